/**
 * The auditor's bundle of one stamp: everything that is needed to verify it with no database and no network
 * (docs/spec/log.md, "Bundle of a stamp"). It opens the commitments of the leaves, so it is for an auditor's or a
 * court's eyes; the public proof of a stamp is the smaller `inclusion-bundle.ts`.
 */
import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import {
  consistencyNodes,
  consistencyProof,
  inclusionNodes,
  inclusionProof,
} from '../../chaincode/src/merkle.ts';
import { BATCH_ENTRIES_MAX } from '../../chaincode/src/registry.ts';
import { onlyRow, sql, type Queryable } from '../../kernel/database.ts';
import { openFacts, stampFacts, type Stamp } from '../../ledger/index.ts';
import { findTiles } from './anchoring-store.ts';
import { verifierKey } from './checkpoint.ts';
import { publishedCheckpoint } from './public-log-store.ts';
import { readNodesFromTiles, tilesOfNodes } from './tiles.ts';

const BUNDLE_FORMAT = 'sanad-audit-bundle-1';

const decimal = z.string().regex(/^(0|[1-9]\d{0,18})$/);
/** Milliseconds that a Date can hold. */
const milliseconds = z.string().regex(/^(0|[1-9]\d{0,14})$/);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const salt = z.string().regex(/^[0-9a-f]{32}$/);
const note = z.string().max(20_000);
const text = z.string().max(2_000);
const leaf = z.strictObject({
  index: decimal,
  entry: z.string().regex(/^[0-9a-f]{116}$/),
  path: z.array(hash).max(63),
});

/** The bundle as it stands in its file; numbers are decimal strings, bytes lower-case hex. */
export const stampBundleSchema = z.strictObject({
  format: z.literal(BUNDLE_FORMAT),
  log: z.strictObject({ origin: z.string().max(200), key: z.string().max(400) }),
  checkpoint: note,
  stamp: z.strictObject({
    id: z.string().regex(/^\d{16}$/),
    psid: z.string().regex(/^\d{17}$/),
    issuedAtMs: milliseconds,
    amountPaisa: decimal,
    salt,
    factsRoot: hash,
  }),
  /** Every fact with its salt; absent when they are kept back. */
  facts: z
    .array(z.strictObject({ label: z.string().max(60), value: text, salt }))
    .max(1_000)
    .optional(),
  payment: z.strictObject({
    id: decimal,
    participant: text,
    requestKey: text,
    totalPaisa: decimal,
    businessDate: z.iso.date(),
    leaf,
  }),
  issue: leaf,
  events: z
    .array(z.strictObject({ kind: z.string().max(10), atMs: milliseconds, reason: text, leaf }))
    .max(10),
  /** The head after which the stamp was issued, and the proof that the log grew from it; absent for an empty log. */
  bornAfter: z.strictObject({ checkpoint: note, path: z.array(hash).max(130) }).optional(),
});

export type StampBundle = z.infer<typeof stampBundleSchema>;
type BundledLeaf = z.infer<typeof leaf>;

interface LeafRow {
  readonly [column: string]: unknown;
  readonly leaf_index: bigint;
  readonly entry: Buffer;
  readonly kind: string;
  readonly commitment: Buffer;
}

interface PaymentRow {
  readonly [column: string]: unknown;
  readonly payment_id: bigint;
  readonly participant_code: string;
  readonly request_key: string;
  readonly amount_paisa: bigint;
  readonly business_date: string;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

async function leavesOf(db: Queryable, stampId: string, size: bigint): Promise<LeafRow[]> {
  return db.query<LeafRow>(sql`
    select leaf_index, entry, kind, substring(entry from 27 for 32) as commitment
    from log_leaf where stamp_id = ${stampId} and leaf_index < ${size} order by leaf_index`);
}

async function paymentOf(db: Queryable, stamp: Stamp): Promise<PaymentRow> {
  const rows = await db.query<PaymentRow>(sql`
    select m.payment_id, m.participant_code, m.request_key, m.amount_paisa, m.business_date::text as business_date
    from stamp s join payment m using (shard_id, payment_id)
    where s.shard_id = ${stamp.shard} and s.stamp_id = ${stamp.id}`);
  return onlyRow(rows, 'payment of a stamp');
}

async function eventsOf(
  db: Queryable,
  stamp: Stamp,
): Promise<{ kind: string; at: Date; reason: string; commitment: Buffer }[]> {
  return db.query(sql`
    select kind, at, reason, commitment from stamp_event
    where shard_id = ${stamp.shard} and stamp_id = ${stamp.id} order by event_id`);
}

/** The checkpoint of the batch that ends at a size; undefined when none ends there. */
async function checkpointAt(db: Queryable, size: bigint): Promise<string | undefined> {
  const [row] = await db.query<{ checkpoint: string }>(sql`
    select checkpoint from anchor_batch where state = 'anchored' and batch_start between ${size - BigInt(BATCH_ENTRIES_MAX)} and ${size - 1n} and batch_start + entry_count = ${size}
    order by batch_start desc limit 1`);
  return row?.checkpoint;
}

async function bornAfter(
  db: Queryable,
  logSize: bigint,
  treeSize: bigint,
): Promise<Pick<StampBundle, 'bornAfter'>> {
  const checkpoint = logSize === 0n ? undefined : await checkpointAt(db, logSize);
  if (checkpoint === undefined) return {};
  const nodes = consistencyNodes(logSize, treeSize);
  const read = readNodesFromTiles(await findTiles(db, tilesOfNodes(nodes)));
  return { bornAfter: { checkpoint, path: consistencyProof(logSize, treeSize, read).map(hex) } };
}

export interface StampBundleOptions {
  readonly origin: string;
  readonly logPublicKey: KeyObject;
  /** True to open every fact of the stamp: names, CNICs, addresses. */
  readonly withFacts: boolean;
  /** Witnesses that the checkpoint must carry. */
  readonly quorum: number;
}

/** Makes the bundle of a stamp; undefined while the stamp is not under a published checkpoint. */
export async function makeStampBundle(
  db: Queryable,
  stamp: Stamp,
  options: StampBundleOptions,
): Promise<StampBundle | undefined> {
  const published = await publishedCheckpoint(db, options.quorum);
  if (published === undefined) return undefined;
  const { size } = published;
  const rows = await leavesOf(db, stamp.id, size);
  const issue = rows.find(({ kind }) => kind === 'issue');
  const payment = rows.find(({ kind }) => kind === 'payment');
  if (issue === undefined || payment === undefined) return undefined;
  const nodes = rows.flatMap((row) => inclusionNodes(row.leaf_index, size));
  const read = readNodesFromTiles(await findTiles(db, tilesOfNodes(nodes)));
  const bundled = (row: LeafRow): BundledLeaf => ({
    index: row.leaf_index.toString(),
    entry: hex(row.entry),
    path: inclusionProof(row.leaf_index, size, read).map(hex),
  });
  const paid = await paymentOf(db, stamp);
  const events = (await eventsOf(db, stamp)).flatMap(({ kind, at, reason, commitment }) => {
    const row = rows.find((each) => each.kind === kind && each.commitment.equals(commitment));
    if (row === undefined) return [];
    return [{ kind, atMs: at.getTime().toString(), reason, leaf: bundled(row) }];
  });
  const { origin, logPublicKey, withFacts } = options;
  return {
    format: BUNDLE_FORMAT,
    log: { origin, key: verifierKey(origin, logPublicKey) },
    checkpoint: published.note,
    stamp: {
      id: stamp.id,
      psid: stamp.psid,
      issuedAtMs: stamp.issuedAt.getTime().toString(),
      amountPaisa: stamp.amount.toString(),
      salt: hex(stamp.salt),
      factsRoot: hex(stamp.factsRoot),
    },
    ...(withFacts ? { facts: factsOf(stamp) } : {}),
    payment: {
      id: paid.payment_id.toString(),
      participant: paid.participant_code,
      requestKey: paid.request_key,
      totalPaisa: paid.amount_paisa.toString(),
      businessDate: paid.business_date,
      leaf: bundled(payment),
    },
    issue: bundled(issue),
    events,
    ...(await bornAfter(db, stamp.logSize, size)),
  };
}

function factsOf(stamp: Stamp): NonNullable<StampBundle['facts']> {
  const facts = stampFacts(stamp.application, {
    psid: stamp.psid,
    challanNumber: stamp.challanNumber,
    lineNo: stamp.lineNo,
    kind: stamp.kind,
    article: stamp.article,
    description: stamp.description,
    amountPaisa: stamp.amount,
  });
  return openFacts(stamp.secret, facts).map((fact) => ({
    label: fact.label,
    value: fact.value,
    salt: hex(fact.salt),
  }));
}
