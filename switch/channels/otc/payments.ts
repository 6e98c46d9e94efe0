/**
 * Taking money at a till, and giving it back. An entry is written first, then the engine is asked under the entry's
 * key, then the entry is settled: whatever stops in between, asking again gives the engine's first answer.
 */
import { businessDate } from '../../../kernel/clock.ts';
import { sqlState } from '../../../kernel/database.ts';
import type { PaymentAnswer } from '../../payment/index.ts';
import type { Teller } from './authentication.ts';
import { lockOpenBatch, nextSerial } from './batch-store.ts';
import { parsePayment, parseVoid, type TillPayment, type Void } from './codec.ts';
import {
  beginVoid,
  endVoid,
  findByKey,
  findBySerial,
  insertEntry,
  settleEntry,
  type Entry,
} from './entry-store.ts';
import type { OtcResult } from './result-codes.ts';
import { refused, type Outcome, type TillDeps } from './till.ts';
import {
  paymentKey,
  receiptFields,
  resultFields,
  toPaymentRequest,
  toReversalRequest,
} from './to-payment.ts';

const UNIQUE_VIOLATION = '23505';
const KEY = /^[\x21-\x7e]{8,64}$/;

type Payable = TillPayment & { readonly psid: string };

/** True when an entry is of this very payment. */
function isSame(entry: Entry, payment: Payable): boolean {
  const { cheque } = entry;
  const { cheque: other } = payment;
  return (
    entry.psid === payment.psid &&
    entry.amount === payment.amount &&
    cheque?.number === other?.number &&
    cheque?.bank === other?.bank &&
    cheque?.date === other?.date
  );
}

/** Writes the entry of a payment; undefined when the batch takes none, `taken` when the key came at the same time. */
async function enter(
  payment: Payable,
  requestKey: string,
  { teller, deps }: { readonly teller: Teller; readonly deps: TillDeps },
): Promise<Entry | 'taken' | undefined> {
  const { batch, participant } = teller;
  try {
    return await deps.database.transaction(async (tx) => {
      const serial = await nextSerial(tx, batch);
      if (serial === undefined) return undefined;
      const { psid, amount, cheque } = payment;
      const entry = {
        shard: batch.shard,
        batchId: batch.id,
        serial,
        participant: participant.code,
        requestKey,
        psid,
        amount,
        ...(cheque === undefined ? {} : { cheque }),
        enteredAt: deps.clock.now(),
      };
      await insertEntry(tx, entry);
      return { ...entry, state: 'pending', stampIds: [] } as const;
    });
  } catch (error) {
    if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
    return 'taken';
  }
}

/** Asks the engine for a pending entry and settles it; one that cannot be answered now stays pending. */
export async function settle(entry: Entry, deps: TillDeps): Promise<PaymentAnswer> {
  const answer = await deps.engine.pay(toPaymentRequest(entry));
  const { result, authorisation, stampIds } = answer;
  if (result !== 'busy' && result !== 'system-malfunction') {
    const state = result === 'approved' ? 'posted' : 'refused';
    const at = deps.clock.now();
    await settleEntry(deps.database, entry, { state, result, authorisation, stampIds, at });
  }
  return answer;
}

/** The answer for an entry that was settled before; a void one is not paid any more. */
function settledOutcome(entry: Entry, teller: Teller): Outcome {
  const { participant, batch } = teller;
  if (entry.state === 'posted') {
    const answer = { ...resultFields('approved', participant), ...receiptFields(batch, entry) };
    return { result: 'approved', answer };
  }
  // What was refused was refused with a word of the engine.
  const isGone = entry.state === 'void' || entry.state === 'voiding';
  const result = isGone ? 'reversed-before' : (entry.result as OtcResult);
  return refused(result, participant);
}

async function payOnce(
  payment: Payable,
  requestKey: string,
  on: { readonly teller: Teller; readonly deps: TillDeps },
): Promise<Outcome> {
  const { teller, deps } = on;
  const { participant, batch } = teller;
  const home = { shard: batch.shard, participant: participant.code };
  const find = (): Promise<Entry | undefined> => findByKey(deps.database, home, requestKey);
  let entry = await find();
  if (entry === undefined) {
    if (batch.businessDate !== businessDate(deps.clock.now())) {
      return refused('batch-of-earlier-day', participant);
    }
    const made = await enter(payment, requestKey, on);
    if (made === undefined) return refused('batch-closed', participant);
    entry = made === 'taken' ? await find() : made;
  }
  if (entry === undefined || !isSame(entry, payment)) return refused('key-reused', participant);
  if (entry.state !== 'pending') return settledOutcome(entry, teller);
  const { result, authorisation, stampIds } = await settle(entry, deps);
  if (result !== 'approved') return refused(result, participant);
  const posted: Entry = {
    ...entry,
    state: 'posted',
    stampIds,
    ...(authorisation === undefined ? {} : { authorisation }),
  };
  return settledOutcome(posted, teller);
}

/** Takes a payment under the teller's idempotency key; the same key with the same content gives the same receipt. */
export function pay(
  body: string,
  teller: Teller,
  deps: TillDeps & { readonly idempotencyKey: string },
): Promise<Outcome> {
  const { participant, batch } = teller;
  const refuse = (...given: Parameters<typeof refused>): Promise<Outcome> =>
    Promise.resolve(refused(...given));
  if (!KEY.test(deps.idempotencyKey)) {
    return refuse('format-error', participant, 'idempotency-key');
  }
  const payment = parsePayment(body);
  if ('malformed' in payment) return refuse('format-error', participant, payment.malformed);
  const { psid } = payment;
  if (psid === undefined) return refuse('unknown-consumer', participant);
  const key = paymentKey(batch, deps.idempotencyKey);
  return payOnce({ ...payment, psid }, key, { teller, deps });
}

/** What a reversal's answer means for an entry: its payment stands no longer, or never will. */
const GONE: ReadonlySet<OtcResult> = new Set(['approved', 'original-not-found']);

/** Asks the engine for the reversal of an entry that is being voided, and ends the void by its answer. */
export async function finishVoid(entry: Entry, deps: TillDeps): Promise<OtcResult> {
  const { result } = await deps.engine.reverse(toReversalRequest(entry));
  if (result === 'busy' || result === 'system-malfunction') return result;
  const done = GONE.has(result);
  await endVoid(deps.database, entry, { done, at: deps.clock.now() });
  return done ? 'approved' : result;
}

/** The entry of a serial, being voided from now on; or why it is not. */
async function takeForVoid(
  asked: Void,
  { teller, deps }: { readonly teller: Teller; readonly deps: TillDeps },
): Promise<Entry | OtcResult> {
  return deps.database.transaction(async (tx) => {
    // With the lock held no closing can begin, and one that began before is seen.
    if (!(await lockOpenBatch(tx, teller.batch))) return 'batch-closed';
    const entry = await findBySerial(tx, teller.batch, asked.serial);
    if (entry === undefined || entry.state === 'refused') return 'original-not-found';
    if (entry.state === 'void') return 'approved';
    await beginVoid(tx, entry, asked.reason);
    return entry;
  });
}

/** Voids an entry of the teller's own open batch, by a reversal of its payment. */
export async function voidPayment(body: string, teller: Teller, deps: TillDeps): Promise<Outcome> {
  const { participant } = teller;
  const asked = parseVoid(body);
  if ('malformed' in asked) return refused('format-error', participant, asked.malformed);
  const taken = await takeForVoid(asked, { teller, deps });
  const result = typeof taken === 'string' ? taken : await finishVoid(taken, deps);
  if (result !== 'approved') return refused(result, participant);
  const answer = { ...resultFields('approved', participant), serial: String(asked.serial) };
  return { result, answer };
}
