/** What a committed batch of payments should have answered and done, by the rules of the posting function. */
import {
  authorisationOf,
  dayOf,
  settlement,
  stampIdOf,
  SUSPENSE,
  type ModelBooks,
  type ModelChallan,
} from './model-books.ts';

export interface BatchItem {
  readonly paymentId: bigint;
  readonly participant: string;
  readonly key: string;
  readonly psid: string;
  readonly amount: bigint;
  readonly seed: Buffer;
  readonly hold: bigint | undefined;
  readonly advice: boolean;
}

export interface ExpectedAnswer {
  readonly result: string;
  readonly repeated: boolean;
  readonly paymentId: bigint | undefined;
  readonly authorisation: string | undefined;
  readonly postedAt: number | undefined;
  readonly stampIds: readonly string[];
}

const refusedWith = (result: string, repeated: boolean): ExpectedAnswer => ({
  result,
  repeated,
  paymentId: undefined,
  authorisation: undefined,
  postedAt: undefined,
  stampIds: [],
});

/** Refusals that an advice turns into money in suspense: the bank has taken it already. */
const KEPT_IN_SUSPENSE = new Set([
  'unknown-consumer',
  'blocked',
  'already-paid',
  'expired',
  'amount-mismatch',
  'limit-exceeded',
]);

/** Applies a batch to the books and says what each of its items should be answered. */
export function applyBatch(
  books: ModelBooks,
  batch: readonly BatchItem[],
  at: Date,
): ExpectedAnswer[] {
  const firsts = new Map<string, BatchItem>();
  const known = new Map<BatchItem, ExpectedAnswer>();
  for (const item of batch) {
    const prior = priorAnswer(books, item);
    const name = `${item.participant} ${item.key}`;
    if (prior !== undefined) known.set(item, prior);
    else if (!firsts.has(name)) firsts.set(name, item);
  }
  const results = decide(books, [...firsts.values()], at);
  for (const [item, result] of results) carryOut(books, item, result, at);
  return batch.map((item) => {
    const first = firsts.get(`${item.participant} ${item.key}`);
    const prior = known.get(item);
    if (prior !== undefined || first === undefined) return prior ?? refusedWith('no answer', false);
    const repeated = item !== first;
    if (item.psid !== first.psid || item.amount !== first.amount)
      return refusedWith('key-reused', repeated);
    return answerOf(books, results.get(first) ?? 'no answer', first.paymentId, repeated);
  });
}

function answerOf(
  books: ModelBooks,
  result: string,
  paymentId: bigint | undefined,
  repeated: boolean,
): ExpectedAnswer {
  const payment = paymentId === undefined ? undefined : books.payments.get(paymentId);
  if (result !== 'approved' || payment === undefined) return refusedWith(result, repeated);
  return {
    result,
    repeated,
    paymentId,
    authorisation: authorisationOf(payment.id),
    postedAt: payment.at.getTime(),
    stampIds: books.stampsOf(payment.id),
  };
}

function priorAnswer(books: ModelBooks, item: BatchItem): ExpectedAnswer | undefined {
  const record = books.record(item.participant, item.key);
  if (record === undefined) return undefined;
  if (record.kind === 'tombstone') return refusedWith('reversed-before', true);
  if (record.kind !== 'payment' || record.psid !== item.psid || record.amount !== item.amount)
    return refusedWith('key-reused', true);
  const { rowId } = record;
  if (rowId !== undefined) {
    const isBack =
      books.payments.get(rowId)?.state === 'reversed' ||
      books.suspense.get(rowId)?.state === 'returned';
    if (isBack) return refusedWith('reversed-before', true);
  }
  return answerOf(books, record.result, rowId, true);
}

function refusalOf(books: ModelBooks, item: BatchItem, at: Date): string | undefined {
  const payer = books.participants.get(item.participant);
  if (payer?.active !== true) return 'participant-unavailable';
  const challan = books.challans.get(item.psid);
  if (challan === undefined) return 'unknown-consumer';
  if (challan.state === 'cancelled') return 'blocked';
  if (challan.state === 'paid') return 'already-paid';
  if (challan.payableUntil < dayOf(at)) return 'expired';
  if (challan.amount !== item.amount) return 'amount-mismatch';
  if (item.hold !== undefined) {
    const hold = books.holds.get(item.hold);
    const isGood =
      hold?.state === 'reserved' && hold.expiresAt > at.getTime() && hold.amount >= item.amount;
    return isGood ? undefined : 'hold-unavailable';
  }
  return payer.perTransaction !== undefined && payer.perTransaction < item.amount
    ? 'limit-exceeded'
    : undefined;
}

/** Decides the new requests of a batch: of several for one challan or hold, the first alone may win. */
function decide(books: ModelBooks, items: readonly BatchItem[], at: Date): Map<BatchItem, string> {
  const results = new Map<BatchItem, string>();
  const contested: { item: BatchItem; over: 'psid' | 'hold' }[] = [];
  const [psids, holds] = [new Set<string>(), new Set<bigint>()];
  const wonPsids = new Set<string>();
  const wonHolds = new Set<bigint>();
  const spent = new Map<string, bigint>();
  for (const item of items) {
    const refusal = refusalOf(books, item, at);
    if (refusal !== undefined) {
      results.set(item, refusal);
      continue;
    }
    const isSecondOfPsid = psids.has(item.psid);
    const isSecondOfHold = item.hold !== undefined && holds.has(item.hold);
    psids.add(item.psid);
    if (item.hold !== undefined) holds.add(item.hold);
    if (isSecondOfPsid || isSecondOfHold) {
      contested.push({ item, over: isSecondOfPsid ? 'psid' : 'hold' });
      continue;
    }
    const total = (spent.get(item.participant) ?? 0n) + item.amount;
    const payer = books.participants.get(item.participant);
    const allowance = payer === undefined ? undefined : books.allowance(payer, dayOf(at));
    if (item.hold === undefined && allowance !== undefined && total > allowance) {
      results.set(item, 'limit-exceeded');
      continue;
    }
    if (item.hold === undefined) spent.set(item.participant, total);
    else wonHolds.add(item.hold);
    wonPsids.add(item.psid);
    results.set(item, 'approved');
  }
  for (const { item, over } of contested) {
    const isWon =
      over === 'psid'
        ? wonPsids.has(item.psid)
        : item.hold !== undefined && wonHolds.has(item.hold);
    results.set(item, !isWon ? 'busy' : over === 'psid' ? 'already-paid' : 'hold-unavailable');
  }
  for (const [item, result] of results) {
    if (item.advice && item.hold === undefined && KEPT_IN_SUSPENSE.has(result))
      results.set(item, 'in-suspense');
  }
  return results;
}

function carryOut(books: ModelBooks, item: BatchItem, result: string, at: Date): void {
  const { paymentId, participant, key, psid, amount } = item;
  const challan = books.challans.get(psid);
  if (result === 'approved' && challan !== undefined) post(books, item, challan, at);
  if (result === 'in-suspense') {
    const payer = settlement(participant);
    books.suspense.set(paymentId, { id: paymentId, amount, payer, state: 'open' });
    books.move(dayOf(at), payer, 'D', amount);
    books.move(dayOf(at), SUSPENSE, 'C', amount);
  }
  if (result === 'busy' || result === 'participant-unavailable') return;
  const isPosted = result === 'approved' || result === 'in-suspense';
  books.keep(participant, key, {
    kind: 'payment',
    psid,
    amount,
    original: '',
    result,
    rowId: isPosted ? paymentId : undefined,
  });
}

function post(books: ModelBooks, item: BatchItem, challan: ModelChallan, at: Date): void {
  const { paymentId, participant, key, psid, amount, seed } = item;
  const hold = item.hold === undefined ? undefined : books.holds.get(item.hold);
  const payer = hold?.path ?? settlement(participant);
  if (hold !== undefined) hold.state = 'posted';
  challan.state = 'paid';
  challan.paymentId = paymentId;
  books.move(dayOf(at), payer, 'D', amount);
  for (const line of challan.lines) books.move(dayOf(at), line.path, 'C', line.amount);
  const stamps = challan.lines
    .filter((line) => line.stamped)
    .map((line) => ({ id: stampIdOf(seed, line.no), line: line.no, state: 'issued' }));
  books.payments.set(paymentId, {
    id: paymentId,
    psid,
    participant,
    key,
    amount,
    at,
    payer,
    stamps,
    state: 'posted',
  });
}
