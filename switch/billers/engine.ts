/**
 * The engine as channels see it, with external billers behind it. A PSID of ours goes straight to the lane. A bill of
 * an external biller is asked for, paid there, and only then posted: what the biller refuses, the bank is refused, and
 * no money has to go back. When no answer comes, the bank is told that nothing is known, as it is; it repeats (and
 * the payment goes on where it stood) or reverses; when it does neither, the recovery worker undoes it.
 */
import { isPsid, type IdMaker, type Random } from '../../kernel/ids.ts';
import type { ResultCode } from '../../kernel/result-code.ts';
import { keepExternalBill } from '../../ledger/index.ts';
import type {
  InquiryAnswer,
  Inquiry,
  PaymentAnswer,
  PaymentEngine,
  PaymentRequest,
  ReversalAnswer,
  ReversalRequest,
} from '../payment/index.ts';
import { isNoAnswer } from './client.ts';
import { beginBillerPayment, findBillerPayment, type BillerPayment } from './payment-store.ts';
import { makeSteps, requestOf, type StepDeps, type Steps } from './steps.ts';

export interface BillerEngineDeps extends StepDeps {
  readonly ids: IdMaker;
  readonly random: Random;
}

function refused(result: ResultCode, repeated = false): PaymentAnswer {
  return { result, repeated, stampIds: [] };
}

/** Asks the biller for a bill and keeps it; the result code says why there is none. */
async function askForBill(
  deps: BillerEngineDeps,
  psid: string,
): Promise<'unpaid' | 'paid' | 'blocked' | ResultCode> {
  const biller = await deps.billers.find(psid);
  // Nothing was asked: whoever asks again may have more luck.
  if (biller === undefined) return 'busy';
  const answer = await biller.circuit.ask(() => biller.client.findBill(psid), isNoAnswer);
  if (answer === undefined) return 'busy';
  if (answer.kind === 'no-bill') return 'unknown-consumer';
  if (answer.kind !== 'bill') return 'system-malfunction';
  await keepExternalBill({ psid, ...answer.bill }, biller.department, deps);
  return answer.bill.status;
}

async function inquire(deps: BillerEngineDeps, inquiry: Inquiry): Promise<InquiryAnswer> {
  const known = await deps.engine.inquire(inquiry);
  // What is paid here is paid; the biller need not be asked.
  if (known.ok && known.bill.status === 'paid') return known;
  const status = await askForBill(deps, inquiry.psid);
  if (status === 'unpaid') return deps.engine.inquire(inquiry);
  if (status !== 'paid' && status !== 'blocked') return { ok: false, result: status };
  const now = await deps.engine.inquire(inquiry);
  return now.ok ? { ok: true, bill: { ...now.bill, status } } : now;
}

/** Why a bill cannot be paid, from our own books, before the biller is troubled; undefined: ask it. */
async function refusalBefore(
  deps: BillerEngineDeps,
  request: PaymentRequest,
): Promise<ResultCode | undefined> {
  let known = await deps.engine.inquire(request);
  if (!known.ok) {
    const status = await askForBill(deps, request.psid);
    if (status === 'paid') return 'already-paid';
    if (status !== 'unpaid') return status;
    known = await deps.engine.inquire(request);
    if (!known.ok) return known.result;
  }
  const { status, amount } = known.bill;
  if (status === 'paid') return 'already-paid';
  if (status !== 'unpaid') return status;
  return amount === request.amount ? undefined : 'amount-mismatch';
}

/** Asks the biller to take a payment; undefined: somebody else has moved it on meanwhile. */
async function askBiller(steps: Steps, payment: BillerPayment): Promise<PaymentAnswer | undefined> {
  const answer = await steps.ask(payment, false);
  const nextAt = steps.in(steps.settings.patienceMs);
  if (answer === undefined) return refused('busy');
  switch (answer.kind) {
    case 'accepted': {
      const { reference: billerReference } = answer;
      await steps.move(payment, ['asking'], { to: 'accepted', nextAt, billerReference });
      return undefined;
    }
    case 'refused': {
      const { result } = answer;
      const moved = await steps.move(payment, ['asking'], { to: 'refused', result });
      return moved ? refused(result) : undefined;
    }
    case 'cancelled':
      return refused('reversed-before');
    case 'not-sent':
    case 'unknown':
      await steps.move(payment, ['asking'], { to: 'asking', nextAt, error: answer.reason });
      return refused(answer.kind === 'not-sent' ? 'busy' : 'system-malfunction');
  }
}

/** More than the states that a payment can go through. */
const STEPS_MAX = 8;

/** Goes on from where a payment stands, until it is decided or nobody can say. */
async function goOn(
  deps: BillerEngineDeps,
  steps: Steps,
  request: PaymentRequest,
): Promise<PaymentAnswer> {
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const payment = await findBillerPayment(deps.database, request);
    switch (payment?.state) {
      case undefined:
        return refused('system-malfunction');
      case 'settled':
      case 'advising':
        return deps.engine.pay(requestOf(payment));
      case 'refused':
        return refused(payment.result ?? 'system-malfunction', true);
      case 'cancelling':
      case 'cancelled':
      case 'stuck':
        return refused('reversed-before', true);
      case 'accepted':
      case 'posting': {
        const answer = await steps.post(payment);
        if (answer !== undefined) return answer;
        break;
      }
      case 'asking': {
        const answer = await askBiller(steps, payment);
        if (answer !== undefined) return answer;
        break;
      }
    }
  }
  return refused('system-malfunction');
}

async function pay(
  deps: BillerEngineDeps,
  steps: Steps,
  request: PaymentRequest,
): Promise<PaymentAnswer> {
  const { database, ids, clock, billers } = deps;
  const before = await findBillerPayment(database, request);
  if (before !== undefined)
    return before.psid === request.psid && before.amount === request.amount
      ? goOn(deps, steps, request)
      : refused('key-reused', true);
  const refusal = await refusalBefore(deps, request);
  if (refusal !== undefined) return refused(refusal);
  const biller = await billers.find(request.psid);
  if (biller === undefined || biller.circuit.isOpen) return refused('busy');
  const at = clock.now();
  await beginBillerPayment(database, request, {
    id: ids.next(),
    departmentCode: biller.department.code,
    state: 'asking',
    nextAt: steps.in(steps.settings.patienceMs),
    at,
  });
  return goOn(deps, steps, request);
}

/** The bank has the money: it is posted whatever the biller says, and the biller is told until it has understood. */
async function payAdvice(
  deps: BillerEngineDeps,
  steps: Steps,
  request: PaymentRequest,
): Promise<PaymentAnswer> {
  const { database, ids, clock, billers, engine } = deps;
  const before = await findBillerPayment(database, request);
  if (before !== undefined && !before.advice) return goOn(deps, steps, request);
  if (before === undefined) {
    const known = await engine.inquire(request);
    if (!known.ok) await askForBill(deps, request.psid);
    const biller = await billers.find(request.psid);
    // Not connected: the advice is posted or kept in suspense as any other, and people see it there.
    if (biller === undefined) return engine.pay(request);
    await beginBillerPayment(database, request, {
      id: ids.next(),
      departmentCode: biller.department.code,
      state: 'posting',
      nextAt: steps.in(steps.settings.postingMs),
      at: clock.now(),
    });
  }
  const payment = await findBillerPayment(database, request);
  const answer = await engine.pay(request);
  const { result } = answer;
  if (payment === undefined || ['busy', 'system-malfunction'].includes(result)) return answer;
  if (result === 'approved')
    await steps.move(payment, ['posting'], { to: 'advising', result, nextAt: clock.now() });
  else await steps.move(payment, ['posting'], { to: 'refused', result });
  return answer;
}

async function reverse(
  deps: BillerEngineDeps,
  steps: Steps,
  request: ReversalRequest,
): Promise<ReversalAnswer> {
  const { database, engine, clock } = deps;
  const payment = await findBillerPayment(database, {
    ...request,
    requestKey: request.originalKey,
  });
  const isOther = payment?.psid !== request.psid || payment.amount !== request.amount;
  if (payment === undefined || isOther || ['refused', 'cancelled'].includes(payment.state))
    return engine.reverse(request);
  if (payment.state === 'stuck') return { result: 'blocked', repeated: true };
  const reversalKey = request.requestKey;
  const undo = { to: 'cancelling' as const, nextAt: clock.now(), reversalKey };
  if (payment.state === 'asking' || payment.state === 'accepted') {
    // Our books have not got it: they are told never to take it, and the bank is answered; the biller follows.
    const answer = await engine.reverse(request);
    await steps.move(payment, ['asking', 'accepted', 'posting'], undo);
    return answer;
  }
  const from = ['posting', 'settled', 'advising', 'cancelling'] as const;
  if (!(await steps.move(payment, from, undo)))
    return { result: 'system-malfunction', repeated: false };
  return {
    result: await steps.cancel({ ...payment, state: 'cancelling', reversalKey }),
    repeated: false,
  };
}

/** Puts the billers behind an engine. Every answer that is not `busy` or `system-malfunction` is durable. */
export function makeBillerEngine(deps: BillerEngineDeps): PaymentEngine {
  const { engine, billers } = deps;
  const steps = makeSteps(deps);
  const isTheirs = (psid: string): boolean => billers.isExternal(psid) && isPsid(psid);
  return {
    inquire: (inquiry) =>
      isTheirs(inquiry.psid) ? inquire(deps, inquiry) : engine.inquire(inquiry),
    pay(request) {
      if (!isTheirs(request.psid)) return engine.pay(request);
      return request.advice === true ? payAdvice(deps, steps, request) : pay(deps, steps, request);
    },
    reverse: (request) =>
      isTheirs(request.psid) ? reverse(deps, steps, request) : engine.reverse(request),
  };
}
