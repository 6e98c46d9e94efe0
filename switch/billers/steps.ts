/**
 * The steps of a payment of an external bill, taken by the engine while the bank waits, and by the recovery worker
 * when nobody does. Each step is written down before the next is begun, and each may be taken twice.
 *
 *   asking      the biller is being asked; it may know of the payment or not
 *   accepted    the biller has it; our books have not
 *   posting     our books are being asked; they have it or not
 *   settled     both have it
 *   refused     neither has it, and the bank was told why
 *   advising    our books have it (the bank had taken the money); the biller must still be told
 *   cancelling  it must be undone: at the biller first, then in our books where they have it
 *   cancelled   neither has it (any more)
 *   stuck       the two sides disagree, and people decide
 *
 * Before a payment that our books have not is undone, they are told never to take it (a reversal before its payment), so
 * that a late message of the bank cannot post what the biller no longer has.
 */
import type { Clock } from '../../kernel/clock.ts';
import type { Database } from '../../kernel/database.ts';
import type { IdMaker } from '../../kernel/ids.ts';
import { paisa } from '../../kernel/money.ts';
import type { ResultCode } from '../../kernel/result-code.ts';
import { openCase } from '../../reconciliation/index.ts';
import type { PaymentAnswer, PaymentEngine, PaymentRequest } from '../payment/index.ts';
import type { Billers } from './billers.ts';
import { isNoAnswer, type CancelAnswer, type PaymentAdvice } from './client.ts';
import { moveBillerPayment, type BillerPayment, type Move } from './payment-store.ts';

export interface StepDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: IdMaker;
  readonly billers: Billers;
  /** The engine that posts; it knows nothing of billers. */
  readonly engine: PaymentEngine;
  readonly settings?: Partial<StepSettings>;
}

/** All [A]. */
export interface StepSettings {
  /** How long a bank may take to repeat a request that was answered with no decision. */
  readonly patienceMs: number;
  /** How long a posting may take before its state is looked up. */
  readonly postingMs: number;
}

const DEFAULTS: StepSettings = { patienceMs: 60_000, postingMs: 120_000 };

/** A case is due as a dispute is: a week. */
const CASE_MS = 7 * 86_400_000;

export interface Steps {
  readonly settings: StepSettings;
  /** Milliseconds from now, as an instant. */
  in(ms: number): Date;
  move(
    payment: BillerPayment,
    from: readonly BillerPayment['state'][],
    move: Omit<Move, 'at'>,
  ): Promise<boolean>;
  /** Asks the biller to take the payment; `undefined`: its circuit is open or it is not connected. */
  ask(payment: BillerPayment, advice: boolean): Promise<PaymentAdvice | undefined>;
  /** Posts what the biller has accepted; undefined: somebody else has moved the payment on. */
  post(payment: BillerPayment): Promise<PaymentAnswer | undefined>;
  /** Takes one step of undoing; answers what the bank's reversal is told. */
  cancel(payment: BillerPayment): Promise<ResultCode>;
  /** Tells our books never to take this payment; had they taken it, they give it back. */
  fence(payment: BillerPayment): Promise<void>;
  /** Puts a payment that the two sides disagree about before people. */
  giveUp(
    payment: BillerPayment,
    from: readonly BillerPayment['state'][],
    reason: string,
  ): Promise<void>;
}

/** How a biller knows a payment. */
export function noticeId(payment: Pick<BillerPayment, 'shard' | 'id'>): string {
  return `${String(payment.shard).padStart(2, '0')}-${payment.id.toString()}`;
}

/** The request of the bank that began a payment. */
export function requestOf(payment: BillerPayment): PaymentRequest {
  const { channel, participant, requestKey, psid, amount, reference, advice } = payment;
  return { channel, participant, requestKey, psid, amount: paisa(amount), reference, advice };
}

/** Makes the steps over an engine and its billers. */
export function makeSteps(deps: StepDeps): Steps {
  const { database, clock, ids, billers, engine } = deps;
  const settings = { ...DEFAULTS, ...deps.settings };
  const later = (ms: number): Date => new Date(clock.now().getTime() + ms);
  const move: Steps['move'] = (payment, from, change) =>
    moveBillerPayment(database, payment, from, { ...change, at: clock.now() });
  const reversalOf = (
    payment: BillerPayment,
    requestKey: string,
  ): Parameters<PaymentEngine['reverse']>[0] => ({
    channel: payment.channel,
    participant: payment.participant,
    requestKey,
    originalKey: payment.requestKey,
    psid: payment.psid,
    amount: paisa(payment.amount),
  });
  const ownKey = (payment: BillerPayment): string => `biller-undo/${noticeId(payment)}`;

  const askToCancel = async (payment: BillerPayment): Promise<CancelAnswer | undefined> => {
    const biller = await billers.find(payment.psid);
    return biller?.circuit.ask(() => biller.client.cancel(noticeId(payment)), isNoAnswer);
  };
  const giveUp: Steps['giveUp'] = async (payment, from, reason) => {
    const at = clock.now();
    await database.transaction(async (tx) => {
      const { shard, psid, amount, participant, reference, departmentCode } = payment;
      if (!(await moveBillerPayment(tx, payment, from, { to: 'stuck', at }))) return;
      await openCase(tx, {
        shard,
        caseId: ids.next(),
        origin: 'biller-payment',
        originId: payment.id,
        reason,
        psid,
        amount,
        facts: { participant, reference, department: departmentCode },
        openedAt: at,
        dueAt: new Date(at.getTime() + CASE_MS),
      });
    });
  };
  return {
    settings,
    in: later,
    move,
    giveUp,
    async ask(payment, advice) {
      const biller = await billers.find(payment.psid);
      const { psid, amount, participant, reference } = payment;
      const notice = { id: noticeId(payment), psid, amount, participant, reference, advice };
      return biller?.circuit.ask(() => biller.client.pay(notice), isNoAnswer);
    },
    async post(payment) {
      const nextAt = later(settings.postingMs);
      if (!(await move(payment, ['accepted', 'posting'], { to: 'posting', nextAt })))
        return undefined;
      const answer = await engine.pay(requestOf(payment));
      const { result } = answer;
      if (result === 'approved') await move(payment, ['posting'], { to: 'settled', result });
      else if (result === 'busy')
        await move(payment, ['posting'], { to: 'accepted', nextAt: later(settings.patienceMs) });
      else if (result !== 'system-malfunction')
        await move(payment, ['posting'], { to: 'cancelling', result, nextAt: clock.now() });
      return answer;
    },
    async fence(payment) {
      await engine.reverse(reversalOf(payment, ownKey(payment)));
    },
    async cancel(payment) {
      const answer = await askToCancel(payment);
      if (answer === undefined || isNoAnswer(answer)) {
        const error = answer === undefined ? 'circuit open' : `${answer.kind}: ${answer.reason}`;
        await move(payment, ['cancelling'], {
          to: 'cancelling',
          nextAt: later(settings.patienceMs),
          error,
        });
        return 'system-malfunction';
      }
      const { reversalKey } = payment;
      if (answer.kind === 'fulfilled') {
        // The bank's reversal of what is used is refused; what we must undo for our own reasons is for people.
        if (reversalKey === undefined)
          await giveUp(payment, ['cancelling'], 'biller-keeps-payment');
        else await move(payment, ['cancelling'], { to: 'settled' });
        return 'stamp-used';
      }
      const reversed = await engine.reverse(reversalOf(payment, reversalKey ?? ownKey(payment)));
      if (['approved', 'original-not-found'].includes(reversed.result))
        await move(payment, ['cancelling'], { to: 'cancelled' });
      return reversed.result;
    },
  };
}
