/** A teller's sign-in at a till, and what can be asked without taking money. */
import { businessDate, type Clock } from '../../../kernel/clock.ts';
import type { Database, Queryable } from '../../../kernel/database.ts';
import { Fault } from '../../../kernel/fault.ts';
import type { IdMaker, Random } from '../../../kernel/ids.ts';
import type { PaymentEngine } from '../../payment/index.ts';
import { makeToken, tokenHash, type Branch, type Teller } from './authentication.ts';
import {
  clearSession,
  findLivingBatch,
  homeShard,
  insertBatch,
  insertTill,
  lockTill,
  setSession,
  type Batch,
  type Till,
} from './batch-store.ts';
import { parseInquiry, parseSignIn } from './codec.ts';
import type { OtcResult } from './result-codes.ts';
import { batchFields, billFields, resultFields, type Answer } from './to-payment.ts';

/** How long a sign-in lasts: a working day. [A] */
const SESSION_MS = 12 * 3_600_000;

export interface TillDeps {
  readonly engine: PaymentEngine;
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: IdMaker;
}

/** What was decided about one request. */
export interface Outcome {
  readonly result: OtcResult;
  readonly answer: Answer;
  /** For the log: the field that is malformed. */
  readonly malformed?: string;
}

/** A refusal with nothing but its result. */
export function refused(
  result: OtcResult,
  participant: Teller['participant'],
  malformed?: string,
): Outcome {
  return {
    result,
    answer: resultFields(result, participant),
    ...(malformed === undefined ? {} : { malformed }),
  };
}

/** Registers a till of a participant's branch; one that is there already stays as it is. Refuses (`bad-input`) malformed names. */
export async function registerTill(db: Queryable, till: Till, clock: Clock): Promise<void> {
  if (!/^[0-9A-Z]{1,12}$/.test(till.branch) || !/^[0-9A-Z]{1,8}$/.test(till.till)) {
    throw new Fault('bad-input', 'A branch has 1 to 12 and a till 1 to 8 capitals and digits.');
  }
  await insertTill(db, till, clock.now());
}

/** The living batch of a till for this teller, opened when there is none. */
async function takeBatch(
  tx: Queryable,
  till: Till & { readonly teller: string },
  { clock, ids }: TillDeps,
): Promise<Batch | OtcResult> {
  if (!(await lockTill(tx, till))) return 'till-unknown';
  const living = await findLivingBatch(tx, till);
  if (living !== undefined) return living.teller === till.teller ? living : 'till-in-use';
  const now = clock.now();
  await insertBatch(tx, { ...till, id: ids.next(), businessDate: businessDate(now) }, now);
  return (await findLivingBatch(tx, till)) ?? 'system-malfunction';
}

/** Signs a teller in: opens the till's batch or goes on with it. A token of an earlier sign-in ends. */
export async function signIn(body: string, branch: Branch, deps: TillDeps): Promise<Outcome> {
  const { participant, username } = branch;
  const asked = parseSignIn(body);
  if ('malformed' in asked) return refused('format-error', participant, asked.malformed);
  const till = { ...asked, participant: participant.code };
  const token = makeToken(homeShard(till), deps.random);
  const until = new Date(deps.clock.now().getTime() + SESSION_MS);
  const batch = await deps.database.transaction(async (tx) => {
    const taken = await takeBatch(tx, till, deps);
    if (typeof taken === 'string') return taken;
    await setSession(tx, taken, { hash: tokenHash(token), username, until });
    return taken;
  });
  if (typeof batch === 'string') return refused(batch, participant);
  return {
    result: 'approved',
    answer: {
      ...resultFields('approved', participant),
      token,
      validUntil: until.toISOString(),
      batch: batchFields(batch, deps.clock.now()),
    },
  };
}

/** Signs the teller out; the batch stays open for the next sign-in. */
export async function signOut(_body: string, teller: Teller, deps: TillDeps): Promise<Outcome> {
  await clearSession(deps.database, teller.batch);
  return { result: 'approved', answer: resultFields('approved', teller.participant) };
}

/** What a scanned challan costs and whether it can be paid. */
export async function inquire(body: string, teller: Teller, deps: TillDeps): Promise<Outcome> {
  const { participant } = teller;
  const asked = parseInquiry(body);
  if ('malformed' in asked) return refused('format-error', participant, asked.malformed);
  if (asked.psid === undefined) return refused('unknown-consumer', participant);
  const answer = await deps.engine.inquire({
    channel: 'otc',
    participant: participant.code,
    psid: asked.psid,
  });
  if (!answer.ok) return refused(answer.result, participant);
  return {
    result: 'approved',
    answer: { ...resultFields('approved', participant), ...billFields(answer.bill) },
  };
}
