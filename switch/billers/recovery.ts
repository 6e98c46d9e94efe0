/**
 * Brings payments of external bills to an end that nobody waits for any more: after a crash, after a biller that did
 * not answer, after a bank that neither repeated nor reversed. The biller is asked what it knows, and the payment is
 * settled or undone on both sides.
 */
import type { Timers } from '../../kernel/clock.ts';
import type { Random } from '../../kernel/ids.ts';
import type { Log } from '../../kernel/log.ts';
import { everyRound } from '../../kernel/rounds.ts';
import { backOffMs } from '../outbound/index.ts';
import { isNoAnswer } from './client.ts';
import { claimBillerPayments, recordedAnswer, type BillerPayment } from './payment-store.ts';
import { makeSteps, noticeId, type StepDeps, type Steps } from './steps.ts';

export interface RecoveryDeps extends StepDeps {
  readonly random: Random;
  readonly log: Log;
  /** The shards whose payments this process brings to an end. */
  readonly shards: readonly number[];
}

const AT_ONCE = 50;
/** Longer than a call and its recording take; after a crash the payment is due again then. */
const CLAIM_MS = 5 * 60_000;
const BACK_OFF = { firstMs: 5_000, longestMs: 15 * 60_000 };

/** Nobody came back for it: our books never take it, and the biller gives it up unless it had refused anyway. */
async function abandon(deps: RecoveryDeps, steps: Steps, payment: BillerPayment): Promise<void> {
  await steps.fence(payment);
  const biller = await deps.billers.find(payment.psid);
  const known = await biller?.circuit.ask(
    () => biller.client.status(noticeId(payment)),
    isNoAnswer,
  );
  if (payment.state === 'asking' && known?.kind === 'refused') {
    await steps.move(payment, ['asking'], { to: 'refused', result: 'reversed-before' });
    return;
  }
  const nextAt = steps.in(0);
  if (await steps.move(payment, ['asking', 'accepted'], { to: 'cancelling', nextAt }))
    await steps.cancel({ ...payment, state: 'cancelling' });
}

async function findOutAboutPosting(
  deps: RecoveryDeps,
  steps: Steps,
  payment: BillerPayment,
): Promise<void> {
  const recorded = await recordedAnswer(deps.database, payment);
  const nextAt = steps.in(0);
  if (recorded === 'approved') {
    const to = payment.advice ? 'advising' : 'settled';
    const change = payment.advice ? ({ to, nextAt } as const) : ({ to } as const);
    await steps.move(payment, ['posting'], { ...change, result: recorded });
  } else if (payment.advice) {
    // The bank repeats its advice until it is answered; until then there is nothing to tell the biller.
    if (recorded !== undefined)
      await steps.move(payment, ['posting'], { to: 'refused', result: recorded });
    else await postpone(deps, steps, payment);
  } else {
    if (recorded === undefined) await steps.fence(payment);
    if (await steps.move(payment, ['posting'], { to: 'cancelling', nextAt }))
      await steps.cancel({ ...payment, state: 'cancelling' });
  }
}

async function postpone(deps: RecoveryDeps, steps: Steps, payment: BillerPayment): Promise<void> {
  const nextAt = steps.in(backOffMs(payment.attempts, BACK_OFF, deps.random));
  await steps.move(payment, [payment.state], { to: payment.state, nextAt });
}

/** The biller must be told of money that is in our books already. */
async function advise(deps: RecoveryDeps, steps: Steps, payment: BillerPayment): Promise<void> {
  const answer = await steps.ask(payment, true);
  if (answer?.kind === 'accepted')
    await steps.move(payment, ['advising'], { to: 'settled', billerReference: answer.reference });
  else if (answer?.kind === 'refused' || answer?.kind === 'cancelled')
    await steps.giveUp(payment, ['advising'], 'biller-refuses-advice');
  else await postpone(deps, steps, payment);
}

async function bringOn(deps: RecoveryDeps, steps: Steps, payment: BillerPayment): Promise<void> {
  switch (payment.state) {
    case 'asking':
    case 'accepted':
      return abandon(deps, steps, payment);
    case 'posting':
      return findOutAboutPosting(deps, steps, payment);
    case 'advising':
      return advise(deps, steps, payment);
    case 'cancelling':
      await steps.cancel(payment);
      if (payment.attempts > 1) await postpone(deps, steps, payment);
      return;
    case 'settled':
    case 'refused':
    case 'cancelled':
    case 'stuck':
      return;
  }
}

export interface BillerRecovery {
  /** Takes one step for every payment whose time has come; answers how many there were. */
  round(): Promise<number>;
}

/** Makes the recovery worker. Several may run; each payment is one's for some minutes. */
export function makeBillerRecovery(deps: RecoveryDeps): BillerRecovery {
  const steps = makeSteps(deps);
  return {
    async round() {
      let count = 0;
      for (const shard of deps.shards) {
        const now = deps.clock.now();
        const due = await claimBillerPayments(
          deps.database,
          shard,
          { now, until: new Date(now.getTime() + CLAIM_MS) },
          AT_ONCE,
        );
        count += due.length;
        await Promise.all(
          due.map(async (payment) => {
            try {
              await bringOn(deps, steps, payment);
            } catch (error) {
              const { departmentCode: department, state } = payment;
              deps.log.warn(
                { err: error, department, state },
                'A biller payment could not be brought on.',
              );
            }
          }),
        );
      }
      return count;
    },
  };
}

/** Runs the recovery every few seconds; the returned function ends it after what is under way. */
export function startBillerRecovery(
  deps: RecoveryDeps & { readonly timers: Timers; readonly everyMs?: number },
): () => Promise<void> {
  const recovery = makeBillerRecovery(deps);
  return everyRound(
    deps.timers,
    deps.everyMs ?? 2_000,
    () => recovery.round(),
    (error) => deps.log.warn({ err: error }, 'A round of the billers’ recovery failed.'),
  );
}
