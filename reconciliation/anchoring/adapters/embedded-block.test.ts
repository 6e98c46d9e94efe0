import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { rawPublicKey } from '../checkpoint.ts';
import {
  decodeBatch,
  encodeBatch,
  encodeGenesis,
  hasGoodHash,
  hasGoodSignature,
  hashWrites,
  NO_BLOCK,
  sealBlock,
  sha256,
  type BlockFunction,
} from './embedded-block.ts';

interface Vector {
  number: string;
  previousHash: string;
  function: BlockFunction;
  arguments: string;
  writesHash: string;
  size: string;
  root: string;
  atMs: string;
  hash: string;
  signature: string;
}
const { seed, origin, blocks } = JSON.parse(
  readFileSync(new URL('../../../tests/vectors/log/blocks.json', import.meta.url), 'utf8'),
) as { seed: string; origin: string; blocks: [Vector, Vector] };
const unhex = (text: string): Buffer => Buffer.from(text, 'hex');
const PRIVATE = createPrivateKey({
  key: Buffer.concat([unhex('302e020100300506032b657004220420'), unhex(seed)]),
  format: 'der',
  type: 'pkcs8',
});
const PUBLIC = createPublicKey(PRIVATE);

describe('a block of the embedded chain', () => {
  it.each(blocks)('has the hash and the signature of the vector: $function', (vector) => {
    const block = sealBlock(
      {
        number: BigInt(vector.number),
        previousHash: unhex(vector.previousHash),
        function: vector.function,
        argumentsHash: sha256(unhex(vector.arguments)),
        writesHash: unhex(vector.writesHash),
        head: { size: BigInt(vector.size), root: unhex(vector.root) },
        atMs: BigInt(vector.atMs),
      },
      PRIVATE,
    );
    expect(Buffer.from(block.hash).toString('hex')).toBe(vector.hash);
    expect(Buffer.from(block.signature).toString('hex')).toBe(vector.signature);
    expect(hasGoodHash(block)).toBe(true);
    expect(hasGoodSignature(block, PUBLIC)).toBe(true);
    expect(hasGoodHash({ ...block, number: 9n })).toBe(false);
    expect(hasGoodSignature({ ...block, hash: NO_BLOCK }, PUBLIC)).toBe(false);
  });

  it('has the arguments and the writes of the vector', () => {
    const [genesis, append] = blocks;
    expect(encodeGenesis(rawPublicKey(PUBLIC), origin).toString('hex')).toBe(genesis.arguments);
    const batch = decodeBatch(unhex(append.arguments));
    expect(encodeBatch(batch).toString('hex')).toBe(append.arguments);
    expect(batch.start).toBe(0n);
    const head = Buffer.concat([unhex('0000000000000001'), batch.expectedRoot]);
    const writes = hashWrites([
      ['batch:00000000000000000000', batch.entries],
      ['head', head],
    ]);
    expect(writes.toString('hex')).toBe(append.writesHash);
  });

  it('keeps the starts of the issue batches, and refuses arguments that are cut short', () => {
    const batch = {
      start: 12n,
      expectedRoot: Buffer.alloc(32, 1),
      issueBatches: [3n, 9n],
      entries: Buffer.alloc(58, 2),
    };
    const args = encodeBatch(batch);
    expect(decodeBatch(args)).toEqual(batch);
    for (let length = 0; length < 60; length += 1) {
      expect(() => decodeBatch(args.subarray(0, length))).toThrow('cut short');
    }
  });
});
