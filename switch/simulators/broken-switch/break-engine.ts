/**
 * An engine that breaks one rule on purpose, over one that keeps them all: what the conformance suite must find. Each
 * break is named for the rule that it breaks.
 */
import { paisa } from '../../../kernel/money.ts';
import type { ResultCode } from '../../../kernel/result-code.ts';
import type {
  InquiryAnswer,
  PaymentAnswer,
  PaymentEngine,
  PaymentRequest,
} from '../../payment/index.ts';

const FAKE: PaymentAnswer = {
  result: 'approved',
  repeated: false,
  authorisation: '999999',
  stampIds: [],
};

/** Approves where the engine refuses with this result. */
function approving(engine: PaymentEngine, result: ResultCode): PaymentEngine {
  return {
    ...bound(engine),
    async pay(request) {
      const answer = await engine.pay(request);
      return answer.result === result ? FAKE : answer;
    },
  };
}

const bound = (engine: PaymentEngine): PaymentEngine => ({
  inquire: (inquiry) => engine.inquire(inquiry),
  pay: (request) => engine.pay(request),
  reverse: (request) => engine.reverse(request),
});

/** Pays whatever the bill costs, whatever was sent. */
async function payTheBill(engine: PaymentEngine, request: PaymentRequest): Promise<PaymentAnswer> {
  const known: InquiryAnswer = await engine.inquire(request);
  return engine.pay(known.ok ? { ...request, amount: known.bill.amount } : request);
}

/** Remembers the amounts of payments, and reverses by them whatever the reversal says. */
function forgivingReversals(engine: PaymentEngine): PaymentEngine {
  const amounts = new Map<string, PaymentRequest['amount']>();
  return {
    ...bound(engine),
    pay(request) {
      amounts.set(request.requestKey, request.amount);
      return engine.pay(request);
    },
    reverse(request) {
      const amount = amounts.get(request.originalKey) ?? request.amount;
      return engine.reverse({ ...request, amount });
    },
  };
}

/** Gives every answer another authorisation. */
function restless(engine: PaymentEngine): PaymentEngine {
  let count = 0;
  return {
    ...bound(engine),
    async pay(request) {
      const answer = await engine.pay(request);
      if (answer.result !== 'approved') return answer;
      count += 1;
      return { ...answer, authorisation: String(900_000 + count) };
    },
  };
}

/** The breaks of the engine, by the rule that each one breaks. */
export const ENGINE_BREAKS = {
  'inquiry-tells-the-bill': (engine) => ({
    ...bound(engine),
    async inquire(inquiry) {
      const answer = await engine.inquire(inquiry);
      if (!answer.ok) return answer;
      return { ok: true, bill: { ...answer.bill, amount: paisa(answer.bill.amount + 100n) } };
    },
  }),
  'payment-is-posted': (engine) => ({ ...bound(engine), pay: () => Promise.resolve(FAKE) }),
  'repeat-is-answered-alike': (engine) => ({
    ...bound(engine),
    async pay(request) {
      const answer = await engine.pay(request);
      const isRepeat = answer.repeated && answer.result === 'approved';
      return isRepeat ? { result: 'already-paid', repeated: true, stampIds: [] } : answer;
    },
  }),
  'sent-at-once-is-one': restless,
  'duplicate-is-refused': (engine) => approving(engine, 'already-paid'),
  'key-names-one-payment': (engine) => approving(engine, 'key-reused'),
  'wrong-amount-is-refused': (engine) => ({
    ...bound(engine),
    pay: (request) => payTheBill(engine, request),
  }),
  'unknown-psid-is-refused': (engine) => approving(engine, 'unknown-consumer'),
  'expired-is-refused': (engine) => approving(engine, 'expired'),
  'limit-is-kept': (engine) => approving(engine, 'limit-exceeded'),
  'reversal-gives-back': (engine) => ({
    ...bound(engine),
    reverse: () => Promise.resolve({ result: 'approved', repeated: false }),
  }),
  'reversed-payment-stays-reversed': (engine) => approving(engine, 'reversed-before'),
  'reversal-before-payment-is-kept': (engine) => {
    const paid = new Set<string>();
    return {
      ...bound(engine),
      pay(request) {
        paid.add(request.requestKey);
        return engine.pay(request);
      },
      reverse: (request) =>
        paid.has(request.originalKey)
          ? engine.reverse(request)
          : Promise.resolve({ result: 'original-not-found', repeated: false }),
    };
  },
  'reversal-must-match': forgivingReversals,
  'used-stamp-is-not-reversed': (engine) => ({
    ...bound(engine),
    async reverse(request) {
      const answer = await engine.reverse(request);
      return answer.result === 'stamp-used' ? { ...answer, result: 'approved' } : answer;
    },
  }),
  'refusals-have-their-codes': (engine) => approving(engine, 'blocked'),
  'shed-request-may-come-again': (engine) => {
    const shed = new Set<string>();
    return {
      ...bound(engine),
      async pay(request) {
        if (shed.has(request.requestKey)) return { result: 'busy', repeated: true, stampIds: [] };
        const answer = await engine.pay(request);
        if (answer.result === 'busy') shed.add(request.requestKey);
        return answer;
      },
    };
  },
} satisfies Readonly<Record<string, (engine: PaymentEngine) => PaymentEngine>>;

export type EngineBreak = keyof typeof ENGINE_BREAKS;

/** An engine that breaks the named rule. */
export function breakEngine(name: EngineBreak, engine: PaymentEngine): PaymentEngine {
  return ENGINE_BREAKS[name](engine);
}
