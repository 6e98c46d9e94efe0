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
  'tile-missing': 'A tile is missing.',
  'tile-changed': 'A tile does not hold the hashes of the log.',
  'tile-unknown': 'A tile lies beyond the end of the log.',
} as const;

export type LogFindingCode = keyof typeof FINDINGS;

/** All codes. */
// Object.keys is typed as strings; these are exactly the keys of the table above.
export const LOG_FINDING_CODES = Object.keys(FINDINGS) as readonly LogFindingCode[];

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
