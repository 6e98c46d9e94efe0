/**
 * Makes a challan 32-A for an e-stamp or a department's service: the demand for payment with its lines by head of account, a PSID to pay
 * it by, and the commitment to the facts that the stamp will attest once it is paid.
 */
import { hkdfSync, timingSafeEqual } from 'node:crypto';
import { businessDate, type BusinessDate, type Clock } from '../../kernel/clock.ts';
import { isRetryable, sqlState, type Database, type Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import { newPsid, type IdMaker, type Psid, type Random } from '../../kernel/ids.ts';
import { sumPaisa, type Paisa } from '../../kernel/money.ts';
import { openAccount, treasuryAccount } from '../accounts/account-store.ts';
import { factsRoot } from '../stamps/facts.ts';
import { stampFacts, type StampApplication } from './application.ts';
import { insertServiceChallan, type Service } from '../services/service-store.ts';
import type { ChallanLineDraft } from './challan-line-draft.ts';
import { findByIdempotencyKey, insertChallan, insertChallanLine } from './challan-store.ts';

/** Biller digits of e-stamps at the front of a PSID. [A] */
const BILLER = '101';
const ATTEMPTS = 5;

export interface ChallanDraft {
  readonly application: StampApplication;
  readonly lines: readonly ChallanLineDraft[];
  /** The duty calculation with its trace, as JSON; kept word for word. */
  readonly duty: unknown;
  /** Present when a department asks for it: the service of its catalogue, and its own name for the matter. */
  readonly service?: { readonly service: Service; readonly reference: string };
  /** Makes the request itself: the same key with the same content returns the same challan. */
  readonly idempotencyKey: string;
  /** SHA-256 of the request's canonical content. */
  readonly contentHash: Uint8Array;
}

export interface CreatedChallan {
  readonly psid: Psid;
  readonly challanNumber: string;
  readonly amount: Paisa;
  readonly payableUntil: BusinessDate;
  /** Opens the documents with personal data; derived from the challan's secret, shown to the applicant only. */
  readonly accessToken: string;
  readonly createdAt: Date;
  /** True when the same request came before. */
  readonly repeated: boolean;
}

export interface ChallanDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: IdMaker;
  readonly shard: number;
  /** Days for which a challan can be paid. */
  readonly challanDays: number;
}

/** The token that opens a challan's documents: 128 bits from its secret. */
function accessToken(secret: Uint8Array): string {
  return Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), 'access-token', 16)).toString(
    'base64url',
  );
}

/** Compares a presented token with the challan's, in constant time. */
export function isAccessToken(secret: Uint8Array, presented: string): boolean {
  const expected = Buffer.from(accessToken(secret));
  const given = Buffer.from(presented);
  return expected.length === given.length && timingSafeEqual(expected, given);
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** `32A-261123-7K3M9QXA`: the day and 40 random bits; the PSID is what banks use. */
function newChallanNumber(day: BusinessDate, random: Random): string {
  const letters = [...random.bytes(8)].map((byte) => CROCKFORD[byte & 31] ?? '0').join('');
  return `32A-${day.slice(2).replaceAll('-', '')}-${letters}`;
}

async function insertWhole(
  tx: Queryable,
  draft: ChallanDraft,
  deps: ChallanDeps,
): Promise<CreatedChallan> {
  const createdAt = deps.clock.now();
  const today = businessDate(createdAt);
  const demand = draft.service;
  const days = demand?.service.payableDays ?? deps.challanDays;
  const payableUntil = businessDate(new Date(createdAt.getTime() + days * 86_400_000));
  const psid = newPsid(demand?.service.prefix ?? BILLER, deps.shard, deps.random);
  const challanNumber = newChallanNumber(today, deps.random);
  const secret = deps.random.bytes(32);
  const amount = sumPaisa(draft.lines.map((line) => line.amount));
  await insertChallan(tx, {
    kind: demand === undefined ? 'e-stamp' : 'service',
    shard: deps.shard,
    psid,
    challanNumber,
    amount,
    payableUntil,
    createdAt,
    secret,
    payerName: draft.application.applicant.name,
    application: draft.application,
    duty: draft.duty,
    idempotencyKey: draft.idempotencyKey,
    contentHash: draft.contentHash,
  });
  for (const [index, line] of draft.lines.entries()) {
    const lineNo = index + 1;
    const root =
      line.stamp === undefined
        ? undefined
        : factsRoot(
            secret,
            stampFacts(draft.application, {
              psid,
              challanNumber,
              lineNo,
              ...line.stamp,
              amountPaisa: line.amount,
            }),
          );
    const accountId = await openAccount(tx, treasuryAccount(deps.shard, line.headCode), deps.ids);
    await insertChallanLine(tx, {
      shard: deps.shard,
      psid,
      lineNo,
      accountId,
      line,
      factsRoot: root,
    });
  }
  if (demand !== undefined)
    await insertServiceChallan(tx, {
      shard: deps.shard,
      psid,
      departmentCode: demand.service.departmentCode,
      serviceCode: demand.service.code,
      serviceVersion: demand.service.version,
      reference: demand.reference,
      fulfilment: demand.service.fulfilment,
      createdAt,
    });
  return {
    psid,
    challanNumber,
    amount,
    payableUntil,
    accessToken: accessToken(secret),
    createdAt,
    repeated: false,
  };
}

/**
 * The challan that the same request created before; undefined when it is new. Throws `conflict` when its key came with
 * other content.
 */
export async function findCreatedChallan(
  draft: Pick<ChallanDraft, 'idempotencyKey' | 'contentHash'>,
  deps: ChallanDeps,
): Promise<CreatedChallan | undefined> {
  const known = await findByIdempotencyKey(deps.database, deps.shard, draft.idempotencyKey);
  if (known === undefined) return undefined;
  if (!Buffer.from(draft.contentHash).equals(known.contentHash)) {
    throw new Fault(
      'conflict',
      'This Idempotency-Key was used before with another application; send a new key.',
    );
  }
  return { ...known, accessToken: accessToken(known.secret), repeated: true };
}

/**
 * Creates the challan, or returns the one that the same request created before. Refuses a draft without
 * lines (`bad-input`) and a key that came with other content (`conflict`).
 */
export async function createChallan(
  draft: ChallanDraft,
  deps: ChallanDeps,
): Promise<CreatedChallan> {
  if (draft.lines.length === 0)
    throw new Fault('bad-input', 'A challan needs at least one line with an amount.');
  for (let attempt = 1; ; attempt += 1) {
    const repeated = await findCreatedChallan(draft, deps);
    if (repeated !== undefined) return repeated;
    try {
      return await deps.database.transaction((tx) => insertWhole(tx, draft, deps));
    } catch (error) {
      // A twin of this request committed first, or a random number was taken: look again.
      const again = sqlState(error) === '23505' || isRetryable(error);
      if (!again || attempt === ATTEMPTS) throw error;
    }
  }
}
