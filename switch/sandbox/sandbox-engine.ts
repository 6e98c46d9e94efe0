/**
 * The engine of books that are a sandbox: the fixed PSIDs are answered from their table, everything else by the engine
 * behind. A fixed PSID is forced only for a participant of the sandbox. Books are a sandbox as long as every participant
 * in them is one of it (switch/participants/directory.ts); the first real one ends that, so it cannot be left on in
 * production. Nothing of a forced answer is written to the books.
 */
import { createHash } from 'node:crypto';
import { businessDate, type Clock, type Timers } from '../../kernel/clock.ts';
import { paisa } from '../../kernel/money.ts';
import type {
  Bill,
  Inquiry,
  InquiryAnswer,
  PaymentAnswer,
  PaymentEngine,
  PaymentRequest,
  ReversalAnswer,
  ReversalRequest,
} from '../payment/index.ts';
import { forcedAnswer, type ForcedAnswer } from './psids.ts';

/** What every fixed PSID costs: Rs 1,869.00. */
export const SANDBOX_AMOUNT = paisa(186_900n);
const DAY_MS = 86_400_000;
/** Request keys for which a first answer was given; the oldest are forgotten first. */
const KEYS_MAX = 10_000;
/** Late answers that may be waited for at once; a further one is answered `busy`. */
const LATE_MAX = 200;

export interface SandboxDeps {
  readonly engine: PaymentEngine;
  /** True while the participant is one of a sandbox. */
  readonly isSandbox: (participant: string) => Promise<boolean>;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** Six digits that are the same for the same request. */
function authorisationOf({ participant, requestKey }: PaymentRequest): string {
  const hash = createHash('sha256').update(`${participant}\0${requestKey}`).digest();
  return String(hash.readUInt32BE(0) % 1_000_000).padStart(6, '0');
}

/** An advice tells of money that is taken: it is never refused (reconciliation/engine/payment.ts). */
function paymentResult(forced: ForcedAnswer, { advice }: PaymentRequest): PaymentAnswer['result'] {
  const { payment, once } = forced;
  if (advice !== true) return payment === 'in-suspense' ? 'approved' : payment;
  return payment === 'approved' || once === true ? payment : 'in-suspense';
}

class SandboxEngine implements PaymentEngine {
  readonly #deps: SandboxDeps;
  readonly #answered = new Set<string>();
  #late = 0;

  constructor(deps: SandboxDeps) {
    this.#deps = deps;
  }

  inquire(inquiry: Inquiry): Promise<InquiryAnswer> {
    const forced = forcedAnswer(inquiry.psid);
    const behind = (): Promise<InquiryAnswer> => this.#deps.engine.inquire(inquiry);
    if (forced === undefined) return behind();
    return this.#ofSandbox(inquiry, behind, () => {
      const { bill } = forced;
      if (bill === 'unknown-consumer') return { ok: false, result: bill };
      return { ok: true, bill: this.#bill(inquiry.psid, bill) };
    });
  }

  // What is not forced is passed on in the same turn: requests reach the engine in the order in which they came.
  pay(request: PaymentRequest): Promise<PaymentAnswer> {
    const forced = forcedAnswer(request.psid);
    const behind = (): Promise<PaymentAnswer> => this.#deps.engine.pay(request);
    if (forced === undefined) return behind();
    return this.#ofSandbox(request, behind, () => this.#pay(request, forced));
  }

  reverse(request: ReversalRequest): Promise<ReversalAnswer> {
    const forced = forcedAnswer(request.psid);
    const behind = (): Promise<ReversalAnswer> => this.#deps.engine.reverse(request);
    if (forced === undefined) return behind();
    return this.#ofSandbox(request, behind, () => {
      const isFirst = this.#isFirst(`R${request.participant}\0${request.requestKey}`);
      const isOver = forced.once === true && !isFirst;
      return { result: isOver ? 'approved' : forced.reversal, repeated: !isFirst };
    });
  }

  async #ofSandbox<Answer>(
    { participant }: { readonly participant: string },
    behind: () => Promise<Answer>,
    force: () => Answer | Promise<Answer>,
  ): Promise<Answer> {
    return (await this.#deps.isSandbox(participant)) ? force() : behind();
  }

  async #pay(request: PaymentRequest, forced: ForcedAnswer): Promise<PaymentAnswer> {
    if (forced.delayMs !== undefined && !(await this.#waited(forced.delayMs))) {
      return { result: 'busy', repeated: false, stampIds: [] };
    }
    const isFirst = this.#isFirst(`P${request.participant}\0${request.requestKey}`);
    const isOver = forced.once === true && !isFirst;
    const result = isOver ? 'approved' : paymentResult(forced, request);
    const answer = { result, repeated: !isFirst, stampIds: [] };
    if (result !== 'approved') return answer;
    const postedAt = this.#deps.clock.now();
    const posted = { postedAt, businessDate: businessDate(postedAt) };
    return { ...answer, ...posted, authorisation: authorisationOf(request) };
  }

  #bill(psid: string, status: Bill['status']): Bill {
    const now = this.#deps.clock.now();
    const ends = new Date(now.getTime() + (status === 'expired' ? -DAY_MS : 7 * DAY_MS));
    const on = businessDate(now);
    return {
      psid,
      consumerName: 'Sandbox Payer',
      status,
      amount: SANDBOX_AMOUNT,
      dueDate: businessDate(ends),
      billedOn: businessDate(new Date(now.getTime() - 2 * DAY_MS)),
      ...(status === 'paid'
        ? { paid: { on, amount: SANDBOX_AMOUNT, authorisation: '000002' } }
        : {}),
    };
  }

  /** Waits; false when too many wait already. */
  async #waited(ms: number): Promise<boolean> {
    if (this.#late >= LATE_MAX) return false;
    this.#late += 1;
    try {
      await this.#deps.timers.sleep(ms);
    } finally {
      this.#late -= 1;
    }
    return true;
  }

  #isFirst(key: string): boolean {
    if (this.#answered.has(key)) return false;
    if (this.#answered.size >= KEYS_MAX) {
      // A Set keeps the order of insertion: the first is the oldest.
      const oldest = this.#answered.values().next();
      if (oldest.done !== true) this.#answered.delete(oldest.value);
    }
    this.#answered.add(key);
    return true;
  }
}

/** Puts the fixed PSIDs before an engine. */
export function sandboxEngine(deps: SandboxDeps): PaymentEngine {
  return new SandboxEngine(deps);
}
