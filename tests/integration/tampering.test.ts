/**
 * The tampering table: what somebody can do who has the database, and each thing is found by the audit or refused by
 * the chain under a name of its own, with the stamp that it was done to.
 */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { encodeEntry } from '../../chaincode/src/leaf.ts';
import {
  leafHash,
  appendLeaves,
  frontierRoot,
  EMPTY_FRONTIER,
} from '../../chaincode/src/merkle.ts';
import { sql } from '../../kernel/database.ts';
import type { AnchorBatch } from '../../reconciliation/anchoring/anchor-chain.ts';
import { signCheckpoint } from '../../reconciliation/anchoring/checkpoint.ts';
import { ORIGIN, tamper } from '../../reconciliation/anchoring/test-support.ts';
import { auditAll, type AuditReport } from '../../reconciliation/index.ts';
import { AnchoredRig } from '../support/anchored-rig.ts';

const FORGER = generateKeyPairSync('ed25519');
let books: AnchoredRig;

beforeAll(async () => {
  books = await AnchoredRig.open();
});
afterAll(() => books.close());
beforeEach(() => books.begin(), 60_000);

function codesOf(report: AuditReport): Set<string> {
  return new Set([
    ...report.brokenInvariants.map(({ invariant }) => invariant),
    ...(report.alteredFacts.length > 0 ? ['altered-facts'] : []),
    ...report.register.map(({ code }) => code),
    ...report.log.findings.map(({ code }) => code),
  ]);
}

/** Stamps that the audit names. */
function namedIn(report: AuditReport): Set<string | undefined> {
  return new Set([...report.register, ...report.log.findings].map(({ stampId }) => stampId));
}

const flip = (column: string, at: number): string =>
  `set_byte(${column}, ${String(at)}, get_byte(${column}, ${String(at)}) # 1)`;
const victim = (): string => books.stamps[4]!;
const where = (): string => `stamp_id = '${victim()}'`;
const paymentOf = (stampId: string): string =>
  `payment_id = (select payment_id from stamp where stamp_id = '${stampId}')`;

/** Copies the last payment with its stamp to an earlier time, as one who has read the whole schema could. */
function insertBackDated(change: { hours: number; logSize: string }): string {
  return `
    insert into payment select shard_id, payment_id - 1000, '99900000000000001', participant_code, channel, 'forged', reference, amount_paisa,
      business_date, authorisation, posted_at - interval '${String(change.hours)} hours', state, reversed_at from payment where ${paymentOf(books.stamps[6]!)};
    insert into stamp (shard_id, stamp_id, psid, line_no, payment_id, kind, amount_paisa, issued_at, salt, record_root, log_size)
      select shard_id, '9999999999999999', '99900000000000001', line_no, payment_id - 1000, kind, amount_paisa, issued_at - interval '${String(change.hours)} hours',
        salt, record_root, ${change.logSize} from stamp where stamp_id = '${books.stamps[6]!}';`;
}

const LOG_IT = `
  insert into outbox (shard_id, outbox_id, kind, stamp_id, at, amount_paisa, payment_commitment, commitment, log_size)
    select shard_id, 1, 'issue', stamp_id, issued_at, amount_paisa, sha256('x'), record_root, log_size from stamp where stamp_id = '9999999999999999';`;

type Tampering = readonly [
  what: string,
  code: string,
  statement: () => string,
  names?: (() => string) | undefined,
];
const FOUND: readonly Tampering[] = [
  [
    'a row of the register changed: the amount',
    'leaf-stamp-differs',
    () => `update stamp set amount_paisa = amount_paisa * 2 where ${where()}`,
    victim,
  ],
  [
    'a row of the register changed: the time',
    'leaf-stamp-differs',
    () => `update stamp set issued_at = issued_at - interval '1 day' where ${where()}`,
    victim,
  ],
  [
    'a row of the register changed, its commitment too',
    'leaf-stamp-differs',
    () => `update stamp set record_root = ${flip('record_root', 5)} where ${where()}`,
    victim,
  ],
  [
    'a fact of the application changed',
    'altered-facts',
    () =>
      `update challan set application = jsonb_set(application::jsonb, '{applicant,name}', '"Nobody"') where psid = (select psid from stamp where ${where()})`,
  ],
  [
    'the state of a stamp set back',
    'stamp-state-recorded',
    () => `update stamp set state = 'issued' where stamp_id = '${books.stamps[2]!}'`,
  ],
  [
    'an event of a stamp deleted',
    'leaf-event-differs',
    () => `delete from stamp_event where stamp_id = '${books.stamps[2]!}'`,
    () => books.stamps[2]!,
  ],
  [
    'the reason of an event changed',
    'leaf-event-differs',
    () => `update stamp_event set reason = 'other' where stamp_id = '${books.stamps[2]!}'`,
    () => books.stamps[2]!,
  ],
  ['a stamp row deleted', 'leaf-stamp-differs', () => `delete from stamp where ${where()}`, victim],
  [
    'a leaf changed',
    'leaf-changed',
    () => `update log_leaf set entry = ${flip('entry', 17)} where kind = 'issue' and ${where()}`,
    victim,
  ],
  [
    'a leaf changed, with its hash',
    'leaf-changed',
    () =>
      `update log_leaf set entry = ${flip('entry', 17)}, leaf_hash = sha256('\\x00'::bytea || ${flip('entry', 17)}) where kind = 'issue' and ${where()}`,
    victim,
  ],
  [
    'a stamp and its leaves deleted',
    'leaf-missing',
    () => `delete from stamp where ${where()}; delete from log_leaf where ${where()}`,
  ],
  [
    'a batch skipped: its block removed',
    'block-missing',
    () => 'delete from chain_block where number = 2',
  ],
  [
    'a back-dated stamp inserted',
    'stamp-not-logged',
    () => insertBackDated({ hours: 3, logSize: '0' }),
    () => '9999999999999999',
  ],
  [
    'a payment removed',
    'leaf-payment-differs',
    () => `delete from payment where ${paymentOf(victim())}`,
    victim,
  ],
  [
    'a payment changed: its request',
    'leaf-payment-differs',
    () => `update payment set request_key = 'other' where ${paymentOf(victim())}`,
    victim,
  ],
  [
    'a payment changed: its day',
    'leaf-payment-differs',
    () => `update payment set business_date = business_date - 1 where ${paymentOf(victim())}`,
    victim,
  ],
  [
    'a stamp without payment',
    'stamp-paid',
    () =>
      `insert into stamp select shard_id, '9999999999999999', psid, line_no, 12345, kind, amount_paisa, issued_at, salt, record_root, log_size from stamp where ${where()}`,
  ],
  [
    'a checkpoint forged',
    'checkpoint-forged',
    () =>
      `update anchor_batch set checkpoint = replace(checkpoint, split_part(checkpoint, E'\\n', 2), '7') where batch_start = 0`,
  ],
];

describe('what is found by the audit', () => {
  it('nothing, when nothing was done', async () => {
    const report = await auditAll(books.database, books.log);
    expect([...codesOf(report)]).toEqual([]);
    expect(report.ok).toBe(true);
    expect(report.counts.stamps).toBe('7');
    expect(report.log.leaves).toBe('16');
  });

  it.each(FOUND.map(([what, code, statement, names]) => ({ what, code, statement, names })))(
    '$what: $code',
    async ({ code, statement, names }) => {
      await tamper(books.database, statement());
      const report = await auditAll(books.database, books.log);
      expect(report.ok).toBe(false);
      expect(codesOf(report)).toContain(code);
      if (names !== undefined) expect(namedIn(report)).toContain(names());
    },
  );

  it.each([
    ['leaf-time-backwards', { hours: 3, logSize: '(select size from anchor_head)' }],
    ['leaf-born-backwards', { hours: 0, logSize: '2' }],
  ])('a back-dated stamp that was brought into the log: %s', async (code, change) => {
    await tamper(books.database, insertBackDated(change) + LOG_IT);
    await books.drain();
    const report = await auditAll(books.database, books.log);
    const found = report.log.findings.filter((finding) => finding.code === code);
    expect(found.map(({ stampId }) => stampId)).toEqual(['9999999999999999']);
  });

  it('a forged checkpoint kept elsewhere, and one of a log that was cut off', async () => {
    const head = await books.chain.head();
    const kept = async (note: string): Promise<Set<string>> =>
      codesOf(await auditAll(books.database, { ...books.log, keptCheckpoints: [note] }));
    expect(await kept(signCheckpoint(ORIGIN, head, FORGER.privateKey))).toContain(
      'checkpoint-forged',
    );
    expect(
      await kept(
        signCheckpoint(ORIGIN, { ...head, root: Buffer.alloc(32) }, books.keys.privateKey),
      ),
    ).toContain('checkpoint-differs');
    const longer = signCheckpoint(ORIGIN, { ...head, size: head.size + 1n }, books.keys.privateKey);
    expect(await kept(longer)).toContain('checkpoint-beyond-log');
  });
});

function oneEntry(start: bigint, entry: Uint8Array, issueBatches: bigint[] = []): AnchorBatch {
  return { start, entries: entry, expectedRoot: Buffer.alloc(32), issueBatches };
}

async function rootWith(entry: Uint8Array): Promise<Uint8Array> {
  const rows = await books.database.query<{ leaf_hash: Buffer }>(
    sql`select leaf_hash from log_leaf order by leaf_index`,
  );
  const hashes = [...rows.map((row) => row.leaf_hash), leafHash(entry)];
  return frontierRoot(appendLeaves(EMPTY_FRONTIER, hashes));
}

describe('what the chain refuses', () => {
  const refusal = async (batch: AnchorBatch): Promise<unknown> => {
    const error: unknown = await books.chain.append(batch).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    const { refusal: code, cause } = error as { refusal?: string; cause?: Error };
    return [code, cause?.message];
  };

  it('a batch replayed', async () => {
    const entries = (await books.chain.readBatch(0n))!;
    expect(await refusal({ ...oneEntry(0n, entries), expectedRoot: Buffer.alloc(32) })).toEqual([
      'batch-overlap',
      expect.stringContaining('before the end of the log'),
    ]);
  });

  it('a batch skipped', async () => {
    const { size } = await books.chain.head();
    const entries = (await books.chain.readBatch(0n))!;
    expect(await refusal(oneEntry(size + 2n, entries))).toEqual([
      'batch-gap',
      expect.stringContaining('after the end of the log'),
    ]);
  });

  it('two delists of one stamp, told apart from every other refusal', async () => {
    const [place] = await books.database.query<{ leaf_index: bigint; batch_start: bigint }>(
      sql`select leaf_index, batch_start from log_leaf where kind = 'issue' and stamp_id = ${books.stamps[2]!}`,
    );
    const { size } = await books.chain.head();
    const entry = encodeEntry({
      type: 'lock',
      atMs: 1n,
      amountPaisa: 100_000n,
      ref: place!.leaf_index,
      commitment: Buffer.alloc(32),
    });
    const batch = {
      ...oneEntry(size, entry, [place!.batch_start]),
      expectedRoot: await rootWith(entry),
    };
    expect(await refusal(batch)).toEqual(['stamp-ended', expect.stringContaining('already ended')]);
  });

  it('two delists of one stamp that the register let through: anchoring stops for a person', async () => {
    await tamper(
      books.database,
      `insert into outbox (shard_id, outbox_id, kind, stamp_id, at, amount_paisa, commitment, log_size)
       select shard_id, 77, 'lock', stamp_id, issued_at, amount_paisa, record_root, 0 from stamp where stamp_id = '${books.stamps[2]!}'`,
    );
    await expect(books.worker.runOnce()).rejects.toMatchObject({
      code: 'chain-refused',
      fields: { refusal: 'stamp-ended' },
    });
    expect(books.worker.halted()).toBeDefined();
  });

  it('a stamp without payment', async () => {
    const { size } = await books.chain.head();
    const entry = encodeEntry({
      type: 'issue',
      atMs: 1n,
      amountPaisa: 5n,
      ref: 0n,
      commitment: Buffer.alloc(32),
    });
    expect(await refusal(oneEntry(size, entry))).toEqual([
      'issue-without-payment',
      expect.stringContaining('PAYMENT'),
    ]);
  });

  it('to go on from a state that was rolled back to an older head', async () => {
    await tamper(books.database, `update chain_state set value = int8send(0) where key = 'head'`);
    const { size } = await books.chain.head();
    await expect(books.chain.append(oneEntry(size, Buffer.alloc(58)))).rejects.toMatchObject({
      code: 'chain-refused',
      message: expect.stringContaining('rolled back'),
    });
    expect(codesOf(await auditAll(books.database, books.log))).toContain('state-head-differs');
  });

  it('to be a chain that was cut back, blocks and all: the worker stops', async () => {
    await tamper(books.database, 'delete from chain_block where number > 1');
    const worker = books.restartWorker();
    await expect(worker.runOnce()).rejects.toMatchObject({ code: 'chain-refused' });
    expect(codesOf(await auditAll(books.database, books.log))).toContain('chain-rolled-back');
  });
});
