/**
 * Applies every committed statement to the books in memory, in the order of the commits, and tells where the
 * database answered otherwise than the rules say. It knows statements and rows, and no wire format.
 */
import { sqlState, type Row, type Sql } from '../../kernel/database.ts';
import { applyBatch, type BatchItem, type ExpectedAnswer } from './model-batch.ts';
import { dayOf, ModelBooks, SUSPENSE } from './model-books.ts';
import { expireHolds, postEntry, reserveHold, voidHold } from './model-funds.ts';
import { ModelLease } from './model-lease.ts';
import {
  bigintOf,
  bigintsOf,
  instantOf,
  listOf,
  readCall,
  readLease,
  textOf,
  textsOf,
  type Call,
  type Signatures,
} from './statement-reader.ts';

/** How a statement ended at the server. */
export type Outcome =
  | { readonly ok: true; readonly rows: readonly Row[] }
  | { readonly ok: false; readonly error: Error };

/** SQLSTATE of a caller whose lease was taken over. */
const LEASE_LOST = 'SN005';
/** What an overlap with another transaction may end in: a unique key, a serialization failure, a deadlock. */
const COLLISIONS = new Set(['23505', '40001', '40P01']);
const CHECK_VIOLATION = '23514';

export class Model {
  readonly books = new ModelBooks();
  readonly lease = new ModelLease();
  readonly #signatures: Signatures;

  constructor(signatures: Signatures) {
    this.#signatures = signatures;
  }

  /**
   * Takes note of a statement that ended at the server at `now`. Returns what is wrong with its outcome.
   * `mayCollide`: it overlapped with another transaction, or a clock went back and an id was made twice.
   */
  apply(statement: Sql, outcome: Outcome, now: number, mayCollide: boolean): string[] {
    const lease = readLease(statement);
    if (lease !== undefined)
      return outcome.ok
        ? this.lease.apply(lease, statement.values, outcome.rows, now)
        : [`a statement of the lease failed: ${describeError(outcome.error)}`];
    const call = readCall(statement, this.#signatures);
    if (call === undefined)
      return outcome.ok ? [] : [`a statement failed: ${describeError(outcome.error)}`];
    if (!outcome.ok) return this.#judgeError(call, outcome.error, mayCollide);
    if (call.name === 'post_payments' || call.name === 'reverse_payment') {
      if (!this.lease.isCurrent(bigintOf(call, 'p_epoch')))
        return [`${call.name} was let through with the lease of epoch ${epochOf(call)}`];
    }
    return this.#carryOut(call, outcome.rows);
  }

  #judgeError(call: Call, error: unknown, mayCollide: boolean): string[] {
    const state = sqlState(error);
    if (state === LEASE_LOST) {
      return this.lease.isCurrent(bigintOf(call, 'p_epoch'))
        ? [`${call.name} was refused with the lease that holds, of epoch ${epochOf(call)}`]
        : [];
    }
    if (mayCollide && COLLISIONS.has(state ?? '')) return [];
    if (state === CHECK_VIOLATION && call.name === 'post_entry')
      return postEntry(this.books, call) === 'insufficient-funds'
        ? []
        : ['post_entry was refused although the account holds enough'];
    return [`${call.name} failed: ${describeError(error)}`];
  }

  #carryOut(call: Call, rows: readonly Row[]): string[] {
    const [row] = rows;
    switch (call.name) {
      case 'post_payments':
        return this.#postPayments(call, rows);
      case 'reverse_payment':
        return differences(call.name, this.#reverse(call), row?.['result']);
      case 'post_entry':
        return differences(call.name, postEntry(this.books, call), row?.['result']);
      case 'reserve_hold':
        return differences(
          call.name,
          reserveHold(this.books, call),
          `${String(row?.['result'])} ${typeof row?.['hold_id'] === 'bigint' ? row['hold_id'].toString() : '-'}`,
        );
      case 'void_hold':
        return differences(call.name, voidHold(this.books, call), row?.['state'] ?? 'none');
      default:
        return differences(
          call.name,
          expireHolds(this.books, call, Number(call.values.get('p_max'))),
          String(row?.['freed']),
        );
    }
  }

  #postPayments(call: Call, rows: readonly Row[]): string[] {
    const at = instantOf(call, 'p_posted_at');
    const batch = readBatch(call);
    const expected = applyBatch(this.books, batch, at);
    return batch.flatMap((item, index) => {
      const [is, shouldBe] = [answerOf(rows[index]), expected[index]];
      if (shouldBe === undefined || describeAnswer(is) === describeAnswer(shouldBe)) return [];
      return [
        `the payment ${item.participant} ${item.key} was answered ${describeAnswer(is)}, not ${describeAnswer(shouldBe)}`,
      ];
    });
  }

  /** Applies a reversal and says what it should be answered. */
  #reverse(call: Call): string {
    const { books } = this;
    const participant = textOf(call, 'p_participant');
    const key = textOf(call, 'p_request_key');
    const original = textOf(call, 'p_original_key');
    const psid = textOf(call, 'p_psid');
    const amount = bigintOf(call, 'p_amount');
    const record = books.record(participant, key);
    if (record !== undefined) {
      const isSame =
        record.kind === 'reversal' &&
        record.psid === psid &&
        record.amount === amount &&
        record.original === original;
      return isSame ? record.result : 'key-reused';
    }
    const result = this.#reverseNow(participant, original, psid, amount, instantOf(call, 'p_at'));
    books.keep(participant, key, {
      kind: 'reversal',
      psid,
      amount,
      original,
      result,
      rowId: undefined,
    });
    return result;
  }

  #reverseNow(
    participant: string,
    originalKey: string,
    psid: string,
    amount: bigint,
    at: Date,
  ): string {
    const { books } = this;
    const original = books.record(participant, originalKey);
    if (original === undefined) {
      books.keep(participant, originalKey, {
        kind: 'tombstone',
        psid,
        amount,
        original: '',
        result: 'reversed-before',
        rowId: undefined,
      });
      return 'original-not-found';
    }
    if (original.kind !== 'payment' || original.rowId === undefined) return 'original-not-found';
    if (original.psid !== psid || original.amount !== amount) return 'reversal-mismatch';
    const item = books.suspense.get(original.rowId);
    if (item !== undefined) {
      if (item.state === 'returned') return 'approved';
      item.state = 'returned';
      books.move(dayOf(at), item.payer, 'C', amount);
      books.move(dayOf(at), SUSPENSE, 'D', amount);
      return 'approved';
    }
    const payment = books.payments.get(original.rowId);
    if (payment === undefined) return 'a payment that the model does not know';
    if (payment.state === 'reversed') return 'approved';
    if (payment.stamps.some((stamp) => stamp.state !== 'issued')) return 'stamp-used';
    const challan = books.challans.get(psid);
    payment.state = 'reversed';
    for (const stamp of payment.stamps) stamp.state = 'cancelled';
    books.move(dayOf(at), payment.payer, 'C', amount);
    for (const line of challan?.lines ?? []) books.move(dayOf(at), line.path, 'D', line.amount);
    if (challan !== undefined) {
      challan.state = 'payable';
      challan.paymentId = undefined;
    }
    return 'approved';
  }
}

function readBatch(call: Call): BatchItem[] {
  const participants = textsOf(call, 'p_participants');
  const keys = textsOf(call, 'p_request_keys');
  const psids = textsOf(call, 'p_psids');
  const amounts = bigintsOf(call, 'p_amounts');
  const seeds = listOf(call, 'p_seeds');
  const holds = listOf(call, 'p_holds');
  const advices = listOf(call, 'p_advices');
  return bigintsOf(call, 'p_payment_ids').map((paymentId, index) => {
    const [seed, hold] = [seeds[index], holds[index]];
    return {
      paymentId,
      participant: participants[index] ?? '',
      key: keys[index] ?? '',
      psid: psids[index] ?? '',
      amount: amounts[index] ?? 0n,
      seed: Buffer.isBuffer(seed) ? seed : Buffer.alloc(0),
      hold: typeof hold === 'bigint' ? hold : undefined,
      advice: advices[index] === true,
    };
  });
}

/** A row of the posting function as the model states answers. */
function answerOf(row: Row | undefined): ExpectedAnswer {
  const postedAt = row?.['posted_at'];
  return {
    result: String(row?.['result']),
    repeated: row?.['repeated'] === true,
    paymentId: typeof row?.['payment_id'] === 'bigint' ? row['payment_id'] : undefined,
    authorisation: typeof row?.['authorisation'] === 'string' ? row['authorisation'] : undefined,
    postedAt: postedAt instanceof Date ? postedAt.getTime() : undefined,
    stampIds: Array.isArray(row?.['stamp_ids']) ? row['stamp_ids'].map(String) : [],
  };
}

function describeAnswer(answer: ExpectedAnswer): string {
  const { result, repeated, paymentId, authorisation, postedAt, stampIds } = answer;
  return [
    result,
    repeated ? 'repeated' : 'new',
    ...[paymentId, authorisation, postedAt].map((each) => String(each ?? '-')),
    `[${stampIds.join(' ')}]`,
  ].join(' ');
}

function differences(what: string, expected: string, is: unknown): string[] {
  return is === expected ? [] : [`${what} answered ${String(is)}, not ${expected}`];
}

function epochOf(call: Call): string {
  return bigintOf(call, 'p_epoch').toString();
}

/** An error in few words, without values. */
export function describeError(error: unknown): string {
  const state = sqlState(error);
  const message = error instanceof Error ? error.message : String(error);
  return state === undefined ? message : `${state} ${message}`;
}
