/** The log's commitment to an issue, recomputed from the seal alone (docs/spec/leaf.md). */
import { sha256, uint64, utf8 } from './bytes.ts';
import type { SealFacts } from './facts.ts';

/** The record root of the sealed stamp: what the register keeps and the ISSUE entry of the log holds. */
export function recordRootOf(facts: SealFacts): Uint8Array {
  const issueHash = sha256(
    Uint8Array.of(0),
    facts.salt,
    utf8(facts.stampId),
    utf8(facts.psid),
    uint64(facts.issuedAtMs),
    uint64(facts.amountPaisa),
  );
  return sha256(Uint8Array.of(1), facts.factsRoot, issueHash);
}
