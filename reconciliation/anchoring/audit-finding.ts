/** What the audit of the log can find; each tampering has its own code (docs/spec/log.md, "Audit"). */

/** Every finding with its sentence. */
const FINDINGS = {
  'genesis-wrong': 'The first block is not that of this log: another key or another origin.',
  'block-missing': 'A block is missing.',
  'block-hash-wrong': 'A block was changed: its hash is not that of its content.',
  'block-link-broken': 'A block does not follow from the block before it.',
  'block-signature-wrong': 'A block does not carry the signature of the log.',
  'block-time-backwards': 'A block states an earlier time than the block before it.',
  'block-malformed': 'The arguments of a block cannot be read.',
  'batch-refused': 'The contract refuses the batch of a block when it is run again.',
  'block-head-wrong': 'A block states another head than its batch leads to.',
  'block-writes-differ': 'A block states other writes than its batch leads to.',
  'state-head-differs':
    'The head in the world state is not that of the blocks: changed or rolled back.',
  'state-batch-differs': 'A batch in the world state is missing or not that of its block.',
  'state-life-differs':
    'A once-only key in the world state is missing or not what the blocks lead to.',
  'state-key-unknown': 'The world state holds another number of keys than the blocks lead to.',
  'chain-batch-missing': 'The chain does not hold the batch that its log goes on with.',
  'chain-head-differs': 'The head that the chain states is not that of its own batches.',
  'notice-differs': 'The chain told of another batch than the one recorded here.',
  'notice-unknown': 'The chain told of a batch that was not sent from here.',
  'chain-rolled-back': 'The chain is shorter than the log that was confirmed.',
  'head-behind': 'The confirmed head of the log is behind the chain.',
  'batch-row-missing': 'A batch of the chain is not recorded here.',
  'batch-row-differs': 'The record of a batch is not what the chain holds.',
  'batch-row-unknown': 'Batches are recorded that the chain does not hold.',
  'checkpoint-forged': 'A checkpoint is malformed or not signed by the log.',
  'checkpoint-differs': 'A checkpoint signed by the log states another head than the chain had.',
  'checkpoint-beyond-log': 'A checkpoint signed by the log is of a longer log than this one.',
  'leaf-missing': 'A leaf is missing.',
  'leaf-changed': 'A leaf is not the one in the chain.',
  'leaf-hash-wrong': 'The stored hash of a leaf is not that of its entry.',
  'leaf-unknown': 'A leaf lies beyond the end of the log.',
  'leaf-time-backwards':
    'A stamp states an earlier time than one that was logged before it: it was back-dated.',
  'leaf-born-backwards':
    'A stamp states an older head of the log than one that was logged before it: it was back-dated.',
  'leaf-stamp-differs':
    'The register has no such stamp, or another one than the log: its row was changed or deleted.',
  'leaf-payment-differs':
    'The books have no such payment, or another one than the log: its row was changed or deleted.',
  'leaf-event-differs':
    'The register has no such event of the stamp’s life, or another one than the log.',
  'stamp-not-logged': 'A stamp of the register is neither in the log nor on its way to it.',
  'root-differs': 'The leaves do not lead to the root of the log.',
  'batch-time-backwards': 'A batch was anchored before the batch before it.',
  'tile-missing': 'A tile is missing.',
  'tile-changed': 'A tile does not hold the hashes of the log.',
  'tile-unknown': 'A tile lies beyond the end of the log.',
} as const;

export type LogFindingCode = keyof typeof FINDINGS;

/** All codes. */
// Object.keys is typed as strings; these are exactly the keys of the table above.
export const LOG_FINDING_CODES = Object.keys(FINDINGS) as readonly LogFindingCode[];

/**
 * Stamps are logged in the order in which they were issued, shard by shard. A lane that moved to another machine may
 * find a clock that is a little behind; a minute is more than clocks that are kept right differ. [A]
 */
const CLOCKS_DIFFER_MS = 60_000n;

/** Sees that the stamps of each shard state their times, and the heads they were born after, in the order of the log. */
export class StampOrder {
  readonly #newest = new Map<number, { readonly atMs: bigint; readonly born: bigint }>();

  /** What is wrong with the next ISSUE of a shard, if anything is. */
  check(
    shard: number,
    issue: { readonly atMs: bigint; readonly ref: bigint },
  ): LogFindingCode | undefined {
    const before = this.#newest.get(shard) ?? { atMs: 0n, born: 0n };
    const { atMs, ref: born } = issue;
    this.#newest.set(shard, {
      atMs: atMs > before.atMs ? atMs : before.atMs,
      born: born > before.born ? born : before.born,
    });
    if (born < before.born) return 'leaf-born-backwards';
    return atMs + CLOCKS_DIFFER_MS < before.atMs ? 'leaf-time-backwards' : undefined;
  }
}

/** Where something was found, as far as it has a place. Numbers are decimal strings. */
export interface FindingPlace {
  readonly block?: string;
  readonly leafIndex?: string;
  readonly stampId?: string;
  /** `level/index` */
  readonly tile?: string;
  readonly key?: string;
  /** The contract's refusal code. */
  readonly refusal?: string;
}

export interface LogFinding extends FindingPlace {
  readonly code: LogFindingCode;
  readonly message: string;
}

/** Findings kept word for word; further ones are only counted. */
const FINDINGS_MAX = 1_000;

/** Collects findings in bounded memory. */
export class Findings {
  readonly kept: LogFinding[] = [];
  total = 0;

  add(code: LogFindingCode, place: FindingPlace = {}): void {
    this.total += 1;
    if (this.kept.length < FINDINGS_MAX) {
      this.kept.push({ code, message: FINDINGS[code], ...place });
    }
  }
}
