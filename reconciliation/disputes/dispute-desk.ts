/** The desk: opens disputes, judges them at once, looks at the open ones again, and hands over what people must decide. */
import { createHash, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../kernel/clock.ts';
import type { Database, Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import { shardOfPsid, type IdMaker, type Random } from '../../kernel/ids.ts';
import { openCase } from '../exceptions/case-store.ts';
import type { Claim } from './claim.ts';
import {
  claimDue,
  countOverdue,
  findByIdempotency,
  findDispute,
  insertDispute,
  listByParticipant,
  updateStanding,
  type Dispute,
  type DisputeState,
  type Opener,
  type Standing,
} from './dispute-store.ts';
import { gatherFacts } from './facts-store.ts';
import { judgeDispute, type Verdict } from './judge.ts';
import { dueAt, LOOK_EVERY_MS, WAIT_MS } from './turnaround.ts';

export interface DisputeDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: IdMaker;
  readonly random: Random;
}

export interface OpenRequest {
  readonly opener: Opener;
  /** Who opens: the participant's code, or `payer`; keys of different openers do not meet. */
  readonly scope: string;
  readonly claim: Claim;
  /** Where the opener wants to be told. */
  readonly contact?: string;
  readonly idempotencyKey: string;
}

export interface OpenedDispute {
  readonly dispute: Dispute;
  /** Opens this dispute for its opener. */
  readonly token: string;
}

export interface DisputePage {
  readonly participant: string;
  readonly state?: DisputeState | undefined;
  readonly before?: bigint | undefined;
  readonly limit: number;
}

export interface DisputeDesk {
  /**
   * Opens a dispute and judges it at once. The same key with the same claim answers the same dispute; with another
   * it is refused (`conflict`). A claim that lacks what its kind needs is refused (`bad-input`, with its path).
   */
  open(request: OpenRequest): Promise<OpenedDispute>;
  /** Undefined: there is none, or the token is not its own. */
  find(
    key: { readonly shard: number; readonly id: bigint },
    token: string,
  ): Promise<Dispute | undefined>;
  list(shard: number, page: DisputePage): Promise<Dispute[]>;
  /** Looks at the open disputes whose time has come; answers how many were decided. */
  review(shard: number): Promise<number>;
  countOverdue(shard: number): Promise<number>;
}

const REVIEW_AT_ONCE = 200;

function sha256(...parts: readonly string[]): Buffer {
  return createHash('sha256').update(JSON.stringify(parts)).digest();
}

function tokenOf(secret: Uint8Array): string {
  return Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), 'dispute', 16)).toString(
    'base64url',
  );
}

function isTokenOf(dispute: Dispute, token: string): boolean {
  const [expected, given] = [Buffer.from(tokenOf(dispute.secret)), Buffer.from(token)];
  return expected.length === given.length && timingSafeEqual(expected, given);
}

function claimText(claim: Claim): string {
  const entries = Object.entries(claim).map(([name, value]) => [name, String(value)]);
  return JSON.stringify(entries.sort(([left = ''], [right = '']) => (left < right ? -1 : 1)));
}

function refuse(path: string, message: string): never {
  throw new Fault('bad-input', message, { fields: { path } });
}

function checkClaim(claim: Claim): void {
  const { kind, psid, paidPsid, reference, secondReference } = claim;
  if ((kind === 'wrong-psid-paid') !== (paidPsid !== undefined))
    refuse('paidPsid', 'The PSID paid by mistake belongs to wrong-psid-paid, and only there.');
  if (paidPsid === psid)
    refuse('paidPsid', 'Both PSIDs are the same; then the right one was paid.');
  if (kind !== 'paid-not-issued' && reference === undefined)
    refuse('reference', 'Say the bank’s reference of the debit.');
  if (secondReference !== undefined && kind !== 'debited-twice')
    refuse('secondReference', 'A second reference belongs to debited-twice only.');
  if (secondReference !== undefined && secondReference === reference)
    refuse('secondReference', 'Two debits have two references; the same one is one debit.');
}

/** How a verdict leaves a dispute that was opened at `openedAt`. */
function standingOf(verdict: Verdict, openedAt: Date, now: Date): Standing {
  const { explanation } = verdict;
  if (verdict.outcome !== 'open')
    return { state: verdict.outcome, answer: verdict.answer, explanation, at: now };
  if (now.getTime() - openedAt.getTime() >= WAIT_MS)
    return { state: 'closed', answer: verdict.inTheEnd, explanation, at: now };
  const lookAgainAt = new Date(now.getTime() + LOOK_EVERY_MS);
  return { state: 'open', explanation, lookAgainAt, at: now };
}

async function judge(tx: Queryable, claim: Claim, openedAt: Date, now: Date): Promise<Standing> {
  const facts = await gatherFacts(tx, claim.paidPsid ?? claim.psid);
  return standingOf(judgeDispute(claim, facts), openedAt, now);
}

/** Makes the desk over a database. */
export function makeDisputeDesk(deps: DisputeDeps): DisputeDesk {
  const { database, clock, ids, random } = deps;
  const handOver = async (
    tx: Queryable,
    of: { readonly id: bigint; readonly claim: Claim; readonly dueAt: Date },
    standing: Standing,
  ): Promise<void> => {
    const { claim, id } = of;
    await openCase(tx, {
      shard: shardOfPsid(claim.psid),
      caseId: ids.next(),
      origin: 'dispute',
      originId: id,
      reason: standing.answer ?? 'unknown',
      psid: claim.paidPsid ?? claim.psid,
      ...(claim.amount === undefined ? {} : { amount: claim.amount }),
      facts: { ...standing.explanation, intendedPsid: claim.psid },
      openedAt: standing.at,
      dueAt: of.dueAt,
    });
  };
  const known = async (
    shard: number,
    idempotencyHash: Buffer,
    contentHash: Buffer,
  ): Promise<OpenedDispute | undefined> => {
    const dispute = await findByIdempotency(database, shard, idempotencyHash);
    if (dispute === undefined) return undefined;
    if (!dispute.contentHash.equals(contentHash))
      throw new Fault('conflict', 'This Idempotency-Key was used before with another claim.');
    return { dispute, token: tokenOf(dispute.secret) };
  };
  return {
    async open({ opener, scope, claim, contact, idempotencyKey }) {
      checkClaim(claim);
      const shard = shardOfPsid(claim.psid);
      // A payer has no account of his own: his keys are told apart by the PSID.
      const idempotencyHash = sha256(
        opener,
        scope,
        opener === 'payer' ? claim.psid : '',
        idempotencyKey,
      );
      const contentHash = sha256(claimText(claim), contact ?? '');
      const before = await known(shard, idempotencyHash, contentHash);
      if (before !== undefined) return before;
      const openedAt = clock.now();
      const row = {
        id: ids.next(),
        opener,
        claim,
        ...(contact === undefined ? {} : { contact }),
        idempotencyHash,
        contentHash,
        secret: random.bytes(32),
        openedAt,
        dueAt: dueAt(openedAt),
      };
      await database.transaction(async (tx) => {
        const standing = await judge(tx, claim, openedAt, openedAt);
        const isNew = await insertDispute(tx, row, standing);
        if (isNew && standing.state === 'handed-over') await handOver(tx, row, standing);
      });
      const opened = await known(shard, idempotencyHash, contentHash);
      if (opened === undefined)
        throw new Fault('internal', 'A dispute that was just opened cannot be read.');
      return opened;
    },
    async find(key, token) {
      const dispute = await findDispute(database, key);
      return dispute !== undefined && isTokenOf(dispute, token) ? dispute : undefined;
    },
    list: (shard, page) => listByParticipant(database, shard, page),
    async review(shard) {
      return database.transaction(async (tx) => {
        const now = clock.now();
        let decided = 0;
        for (const dispute of await claimDue(tx, shard, now, REVIEW_AT_ONCE)) {
          const standing = await judge(tx, dispute.claim, dispute.openedAt, now);
          await updateStanding(tx, dispute, standing);
          if (standing.state === 'handed-over') await handOver(tx, dispute, standing);
          if (standing.state !== 'open') decided += 1;
        }
        return decided;
      });
    },
    countOverdue: (shard) => countOverdue(database, shard, clock.now()),
  };
}
