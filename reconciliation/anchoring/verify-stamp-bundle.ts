/**
 * Verifies an auditor's bundle from nothing but the bundle and the log's public key: no database, no network, no
 * clock. Every reason of a refusal is told, each with its own code.
 */
import { createHash, type KeyObject } from 'node:crypto';
import { ContractError } from '../../chaincode/src/contract-error.ts';
import { decodeEntry, type LeafEntry } from '../../chaincode/src/leaf.ts';
import { leafHash, verifyConsistency, verifyInclusion } from '../../chaincode/src/merkle.ts';
import type { Head } from './anchor-chain.ts';
import { openCheckpoint } from './checkpoint.ts';
import { stampBundleSchema, type StampBundle } from './stamp-bundle.ts';

/** Every reason with its sentence, in the order in which they are checked. */
const REASONS = {
  'bundle-malformed': 'The file is not a bundle of this version.',
  'checkpoint-wrong': 'The checkpoint is not signed by the log’s key under its name.',
  'entry-malformed': 'An entry is not one that the log takes.',
  'path-wrong': 'A leaf is not in the tree of the checkpoint.',
  'not-an-issue': 'The leaf of the stamp is no ISSUE.',
  'record-differs':
    'The stamp’s id, PSID, time, amount or facts are not those that were committed.',
  'facts-differ': 'The opened facts are not those that were committed.',
  'payment-wrong': 'The leaf before the ISSUE is not its PAYMENT of the same amount.',
  'payment-differs': 'The payment is not the one that was committed.',
  'event-wrong': 'An event’s leaf is not of its kind, amount or stamp.',
  'event-differs': 'An event is not the one that was committed.',
  'event-after-end': 'The stamp has an event after the one that ended its life.',
  'born-after-wrong':
    'The log did not grow from the head after which the stamp says it was issued.',
} as const;

export type BundleReason = keyof typeof REASONS;

export interface BundleReport {
  readonly ok: boolean;
  readonly reasons: readonly { readonly code: BundleReason; readonly message: string }[];
  /** What was proved; absent when the bundle could not be read. */
  readonly proved?: {
    readonly stampId: string;
    readonly amountPaisa: string;
    readonly issuedAt: string;
    readonly leafIndex: string;
    /** The stamp is younger than the log of this size. */
    readonly bornAfterSize: string;
    readonly treeSize: string;
    /** Kinds of the events of its life in order; a later event may stand beyond this checkpoint. */
    readonly events: readonly string[];
    readonly factsOpened: number;
  };
}

export interface BundleTrust {
  readonly origin: string;
  readonly publicKey: KeyObject;
}

function unhex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

function uint64(text: string): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(text));
  return bytes;
}

function sha256(...parts: readonly (string | Uint8Array)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts)
    hash.update(typeof part === 'string' ? Buffer.from(part, 'utf8') : part);
  return hash.digest();
}

function entryOf(hexEntry: string): LeafEntry | undefined {
  try {
    return decodeEntry(unhex(hexEntry));
  } catch (error) {
    if (error instanceof ContractError) return undefined;
    throw error;
  }
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

/** The commitments of docs/spec/leaf.md, computed from what the bundle opens. */
function recordRoot({ stamp }: StampBundle): Buffer {
  const issueHash = sha256(
    Buffer.of(0),
    unhex(stamp.salt),
    stamp.id,
    stamp.psid,
    uint64(stamp.issuedAtMs),
    uint64(stamp.amountPaisa),
  );
  return sha256(Buffer.of(1), unhex(stamp.factsRoot), issueHash);
}

function paymentCommitment({ stamp, payment }: StampBundle): Buffer {
  return sha256(
    Buffer.of(2),
    unhex(stamp.salt),
    uint64(payment.id),
    payment.participant,
    Buffer.of(0),
    payment.requestKey,
    Buffer.of(0),
    uint64(payment.totalPaisa),
    payment.businessDate,
  );
}

function factsRoot(facts: NonNullable<StampBundle['facts']>): Buffer {
  const sorted = [...facts].sort((left, right) =>
    Buffer.compare(Buffer.from(left.label), Buffer.from(right.label)),
  );
  return sha256(
    'sanad-facts-1',
    ...sorted.map(({ label, value, salt }) =>
      sha256(Buffer.of(0), unhex(salt), Buffer.of(label.length), label, value),
    ),
  );
}

class Verification {
  readonly reasons: { code: BundleReason; message: string }[] = [];
  readonly #bundle: StampBundle;

  constructor(bundle: StampBundle) {
    this.#bundle = bundle;
  }

  #refuse(code: BundleReason): void {
    if (!this.reasons.some((reason) => reason.code === code))
      this.reasons.push({ code, message: REASONS[code] });
  }

  #require(holds: boolean, code: BundleReason): void {
    if (!holds) this.#refuse(code);
  }

  run(trust: BundleTrust): Head | undefined {
    const { checkpoint, issue, payment, events } = this.#bundle;
    const head = openCheckpoint(checkpoint, trust.origin, trust.publicKey);
    if (head === undefined) {
      this.#refuse('checkpoint-wrong');
      return undefined;
    }
    for (const leaf of [payment.leaf, issue, ...events.map((event) => event.leaf)]) {
      const isIncluded = verifyInclusion({
        index: BigInt(leaf.index),
        size: head.size,
        leaf: leafHash(unhex(leaf.entry)),
        path: leaf.path.map(unhex),
        root: head.root,
      });
      this.#require(isIncluded, 'path-wrong');
    }
    const entry = entryOf(issue.entry);
    if (entry === undefined) {
      this.#refuse('entry-malformed');
      return head;
    }
    this.#checkIssue(entry);
    this.#checkPayment(entry);
    this.#checkEvents(entry);
    this.#checkBirth(entry, head, trust);
    return head;
  }

  #checkIssue(entry: LeafEntry): void {
    const { stamp, facts } = this.#bundle;
    this.#require(entry.type === 'issue', 'not-an-issue');
    const isRecord =
      sameBytes(entry.commitment, recordRoot(this.#bundle)) &&
      entry.amountPaisa.toString() === stamp.amountPaisa &&
      entry.atMs.toString() === stamp.issuedAtMs;
    this.#require(isRecord, 'record-differs');
    if (facts !== undefined)
      this.#require(sameBytes(factsRoot(facts), unhex(stamp.factsRoot)), 'facts-differ');
  }

  #checkPayment(issue: LeafEntry): void {
    const { payment, issue: leaf } = this.#bundle;
    const entry = entryOf(payment.leaf.entry);
    const isPayment =
      entry?.type === 'payment' &&
      BigInt(payment.leaf.index) + 1n === BigInt(leaf.index) &&
      entry.amountPaisa === issue.amountPaisa;
    this.#require(isPayment, 'payment-wrong');
    const isCommitted =
      entry !== undefined && sameBytes(entry.commitment, paymentCommitment(this.#bundle));
    this.#require(isCommitted, 'payment-differs');
  }

  #checkEvents(issue: LeafEntry): void {
    const { stamp, events, issue: issueLeaf } = this.#bundle;
    let hasEnded = false;
    for (const { kind, atMs, reason, leaf } of events) {
      const entry = entryOf(leaf.entry);
      const isOfStamp =
        entry?.type === kind &&
        entry.ref === BigInt(issueLeaf.index) &&
        entry.amountPaisa === issue.amountPaisa;
      this.#require(isOfStamp, 'event-wrong');
      const commitment = sha256(
        Buffer.of(3),
        unhex(stamp.salt),
        stamp.id,
        kind,
        Buffer.of(0),
        uint64(atMs),
        reason,
      );
      const isCommitted = entry !== undefined && sameBytes(entry.commitment, commitment);
      this.#require(isCommitted, 'event-differs');
      this.#require(!hasEnded, 'event-after-end');
      hasEnded ||= kind !== 'spoil';
    }
  }

  /** The lower bound of the stamp's time: the head that it names, which the log must have grown from. */
  #checkBirth(issue: LeafEntry, head: Head, trust: BundleTrust): void {
    const { bornAfter } = this.#bundle;
    // Every log grows from the empty one.
    if (issue.ref === 0n && bornAfter === undefined) return;
    const older =
      bornAfter === undefined
        ? undefined
        : openCheckpoint(bornAfter.checkpoint, trust.origin, trust.publicKey);
    const isGrown =
      older?.size === issue.ref &&
      verifyConsistency({
        oldSize: older.size,
        oldRoot: older.root,
        newSize: head.size,
        newRoot: head.root,
        path: bornAfter?.path.map(unhex) ?? [],
      });
    this.#require(isGrown, 'born-after-wrong');
  }
}

/** Verifies a bundle that was read from JSON. */
export function verifyStampBundle(json: unknown, trust: BundleTrust): BundleReport {
  const parsed = stampBundleSchema.safeParse(json);
  if (!parsed.success) {
    return {
      ok: false,
      reasons: [{ code: 'bundle-malformed', message: REASONS['bundle-malformed'] }],
    };
  }
  const bundle = parsed.data;
  const verification = new Verification(bundle);
  const head = verification.run(trust);
  const { reasons } = verification;
  if (head === undefined) return { ok: false, reasons };
  return {
    ok: reasons.length === 0,
    reasons,
    proved: {
      stampId: bundle.stamp.id,
      amountPaisa: bundle.stamp.amountPaisa,
      issuedAt: new Date(Number(bundle.stamp.issuedAtMs)).toISOString(),
      leafIndex: bundle.issue.index,
      bornAfterSize: (entryOf(bundle.issue.entry)?.ref ?? 0n).toString(),
      treeSize: head.size.toString(),
      events: bundle.events.map(({ kind }) => kind),
      factsOpened: bundle.facts?.length ?? 0,
    },
  };
}
