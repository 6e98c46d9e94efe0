/**
 * The payment engine's port kept in memory, for the channel's tests: the same promises as the port's
 * docstrings make (idempotent keys, one payment per challan, reversals before and after), without books.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Paisa } from '../../../kernel/money.ts';
import type {
  Bill,
  Inquiry,
  InquiryAnswer,
  PaymentAnswer,
  PaymentEngine,
  PaymentRequest,
  ReversalAnswer,
  ReversalRequest,
} from '../../payment/index.ts';

interface Posted {
  readonly request: PaymentRequest;
  readonly answer: PaymentAnswer;
  reversed: boolean;
}

/** What the next call does instead of its work. */
export type Mood = 'well' | 'busy' | 'throws' | 'held';

export class MemoryEngine implements PaymentEngine {
  mood: Mood = 'well';
  /** PSIDs whose stamp was used. */
  readonly used = new Set<string>();
  readonly requests: (PaymentRequest | ReversalRequest)[] = [];
  readonly #bills = new Map<string, Bill>();
  readonly #posted = new Map<string, Posted>();
  readonly #reversedBefore = new Set<string>();
  readonly #held: (() => void)[] = [];

  constructor(bills: readonly Bill[]) {
    for (const bill of bills) this.#bills.set(bill.psid, bill);
  }

  /** Calls that wait for `release`. */
  get held(): number {
    return this.#held.length;
  }

  release(): void {
    for (const go of this.#held.splice(0)) go();
  }

  /** Payments posted and not reversed. */
  get standing(): number {
    return [...this.#posted.values()].filter(({ reversed }) => !reversed).length;
  }

  async inquire(inquiry: Inquiry): Promise<InquiryAnswer> {
    if (await this.#isBusy()) return { ok: false, result: 'busy' };
    const bill = this.#bills.get(inquiry.psid);
    return bill === undefined ? { ok: false, result: 'unknown-consumer' } : { ok: true, bill };
  }

  async pay(request: PaymentRequest): Promise<PaymentAnswer> {
    this.requests.push(request);
    if (await this.#isBusy()) return { result: 'busy', repeated: false, stampIds: [] };
    const earlier = this.#posted.get(request.requestKey);
    if (earlier !== undefined) {
      const isSame =
        earlier.request.psid === request.psid && earlier.request.amount === request.amount;
      return isSame
        ? { ...earlier.answer, repeated: true }
        : { result: 'key-reused', repeated: false, stampIds: [] };
    }
    const refusal = this.#refusal(request);
    if (refusal !== undefined) return { result: refusal, repeated: false, stampIds: [] };
    return this.#post(request);
  }

  async reverse(request: ReversalRequest): Promise<ReversalAnswer> {
    this.requests.push(request);
    if (await this.#isBusy()) return { result: 'busy', repeated: false };
    const original = this.#posted.get(request.originalKey);
    if (original === undefined) {
      this.#reversedBefore.add(request.originalKey);
      return { result: 'original-not-found', repeated: false };
    }
    if (original.request.psid !== request.psid || original.request.amount !== request.amount)
      return { result: 'reversal-mismatch', repeated: false };
    if (this.used.has(request.psid)) return { result: 'stamp-used', repeated: false };
    if (original.reversed) return { result: 'approved', repeated: true };
    original.reversed = true;
    this.#setStatus(request.psid, 'unpaid');
    return { result: 'approved', repeated: false };
  }

  #refusal(request: PaymentRequest): Exclude<PaymentAnswer['result'], 'approved'> | undefined {
    if (this.#reversedBefore.has(request.requestKey)) return 'reversed-before';
    const bill = this.#bills.get(request.psid);
    if (bill === undefined) return 'unknown-consumer';
    if (bill.status === 'paid') return 'already-paid';
    if (bill.status !== 'unpaid') return bill.status;
    return bill.amount === request.amount ? undefined : 'amount-mismatch';
  }

  #post(request: PaymentRequest): PaymentAnswer {
    const number = this.#posted.size + 1;
    const answer: PaymentAnswer = {
      result: 'approved',
      repeated: false,
      paymentId: BigInt(number),
      authorisation: String(number).padStart(6, '0'),
      businessDate: '2026-11-24',
      stampIds: ['1234567890123456'],
    };
    this.#posted.set(request.requestKey, { request, answer, reversed: false });
    this.#setStatus(request.psid, 'paid', request.amount, answer.authorisation);
    return answer;
  }

  #setStatus(psid: string, status: Bill['status'], amount?: Paisa, authorisation = ''): void {
    const bill = this.#bills.get(psid);
    if (bill === undefined) return;
    const { consumerName, amount: due, dueDate, billedOn } = bill;
    const paid = amount === undefined ? {} : { paid: { on: '2026-11-24', amount, authorisation } };
    this.#bills.set(psid, { psid, consumerName, status, amount: due, dueDate, billedOn, ...paid });
  }

  async #isBusy(): Promise<boolean> {
    switch (this.mood) {
      case 'busy':
        return true;
      case 'throws':
        throw new Error('The engine broke.');
      case 'held':
        await new Promise<void>((resolve) => this.#held.push(resolve));
        return false;
      case 'well':
        await nextTurn();
        return false;
    }
  }
}
