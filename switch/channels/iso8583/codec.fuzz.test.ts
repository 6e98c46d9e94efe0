/** Bytes that nobody should send: the codec answers all of them with a message or a Fault, never anything else. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { packageRoot } from '../../../kernel/package-root.ts';
import { pack, unpack } from './codec.ts';
import { FrameReader } from './framing.ts';
import { Fault } from '../../../kernel/fault.ts';
import { SPECS, SPEC_NAMES, type SpecName } from './specs/index.ts';

const seeds = ['tests/vectors/iso8583/messages.json', 'tests/corpus/iso8583/refused.json'].flatMap(
  (file) =>
    JSON.parse(readFileSync(path.join(packageRoot, file), 'utf8')) as {
      spec: SpecName;
      hex: string;
    }[],
);

/** Unpacks; what is taken must pack to a message that reads the same. */
function check(name: SpecName, bytes: Buffer): void {
  const spec = SPECS[name];
  let message;
  try {
    message = unpack(spec, bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(Fault);
    return;
  }
  expect(unpack(spec, pack(spec, message))).toEqual(message);
}

describe('hostile bytes', () => {
  it.each(SPEC_NAMES)('random bytes are read or refused: %s', (name) => {
    const version = SPECS[name].version;
    const head =
      name === 'iso87-bcd' ? '0200' : name === 'iso87-ebcdic' ? 'f0f2f0f0' : `3${version}323030`;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.boolean(), (bytes, withType) => {
        check(name, Buffer.concat([Buffer.from(withType ? head : '', 'hex'), bytes]));
      }),
      { numRuns: 3_000 },
    );
  });

  it('mutated messages are read or refused', () => {
    const mutation = fc.record({
      seed: fc.constantFrom(...seeds),
      edits: fc.array(fc.tuple(fc.nat(400), fc.nat(255), fc.constantFrom('set', 'cut', 'insert')), {
        minLength: 1,
        maxLength: 6,
      }),
    });
    fc.assert(
      fc.property(mutation, ({ seed, edits }) => {
        let bytes = Buffer.from(seed.hex, 'hex');
        for (const [place, value, kind] of edits) {
          const at = bytes.length === 0 ? 0 : place % bytes.length;
          const inserted = kind === 'cut' ? [] : [Buffer.from([value])];
          const rest = bytes.subarray(kind === 'insert' ? at : at + 1);
          bytes = Buffer.concat([bytes.subarray(0, at), ...inserted, rest]);
        }
        check(seed.spec, bytes);
      }),
      { numRuns: 10_000 },
    );
  });

  it('a stream of any chunks is cut into frames or refused', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (chunks) => {
        const reader = new FrameReader();
        try {
          for (const chunk of chunks)
            for (const frame of reader.push(Buffer.from(chunk)))
              expect(frame.length).toBeLessThanOrEqual(4096);
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
