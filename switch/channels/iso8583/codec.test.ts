import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe as suite, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { packageRoot } from '../../../kernel/package-root.ts';
import { pack, unpack } from './codec.ts';
import { MalformedMessage } from './malformed.ts';
import { describe, maskField } from './message.ts';
import { SPECS, SPEC_NAMES, type SpecName } from './specs/index.ts';
import type { FieldDefinition, MessageSpec } from './specs/spec.ts';

interface Vector {
  readonly name: string;
  readonly spec: SpecName;
  readonly hex: string;
  readonly mti: string;
  readonly fields: Record<string, string>;
}

const vectors = JSON.parse(
  readFileSync(path.join(packageRoot, 'tests/vectors/iso8583/messages.json'), 'utf8'),
) as Vector[];
const refused = JSON.parse(
  readFileSync(path.join(packageRoot, 'tests/corpus/iso8583/refused.json'), 'utf8'),
) as { spec: SpecName; why: string; hex: string }[];

const fieldsOf = (vector: Vector): Map<number, string> =>
  new Map(Object.entries(vector.fields).map(([number, value]) => [Number(number), value]));

function faultOf(work: () => unknown): MalformedMessage {
  try {
    work();
  } catch (error) {
    if (error instanceof MalformedMessage) return error;
    throw error;
  }
  throw new Error('Nothing was refused.');
}

const characters = (kind: FieldDefinition['kind'], spec: MessageSpec): string => {
  const digits = '0123456789';
  const letters = 'ABCXYZabcxyz ';
  switch (kind) {
    case 'n':
    case 'x+n':
      return digits;
    case 'an':
      return digits + letters;
    case 'z':
      return `${digits}:;<=>?${spec.digits === 'bcd' ? '' : 'D'}`;
    case 'b':
      return '0123456789ABCDEF';
    case 'ans':
      return String.fromCharCode(...Array.from({ length: 95 }, (_, index) => 0x20 + index));
  }
};

function valueOf(row: FieldDefinition, spec: MessageSpec): fc.Arbitrary<string> {
  const unit = fc.constantFrom(...characters(row.kind, spec).split(''));
  const scale = row.kind === 'b' ? 2 : 1;
  if (row.kind === 'x+n') {
    return fc
      .tuple(
        fc.constantFrom('C', 'D'),
        fc.string({ unit, minLength: row.size - 1, maxLength: row.size - 1 }),
      )
      .map(([sign, digits]) => sign + digits);
  }
  const text = fc.string({
    unit,
    minLength: row.prefix === 0 ? row.size * scale : 0,
    maxLength: row.size * scale,
  });
  return row.kind === 'b' ? text.map((hex) => hex.slice(0, hex.length - (hex.length % 2))) : text;
}

function messageOf(spec: MessageSpec): fc.Arbitrary<Map<number, string>> {
  const numbers = Object.keys(spec.fields).map(Number);
  return fc
    .subarray(numbers, { maxLength: 25 })
    .chain((chosen) =>
      fc
        .tuple(...chosen.map((number) => valueOf(spec.fields[number]!, spec)))
        .map((values) => new Map(chosen.map((number, index) => [number, values[index]!]))),
    );
}

suite('vectors', () => {
  it('has one for every spec', () => {
    expect(new Set(vectors.map(({ spec }) => spec))).toEqual(new Set(SPEC_NAMES));
  });

  it.each(vectors)('unpacks: $name', (vector) => {
    const message = unpack(SPECS[vector.spec], Buffer.from(vector.hex, 'hex'));
    expect(message.mti).toBe(vector.mti);
    expect(Object.fromEntries(message.fields)).toEqual(vector.fields);
  });

  it.each(vectors)('packs: $name', (vector) => {
    const bytes = pack(SPECS[vector.spec], { mti: vector.mti, fields: fieldsOf(vector) });
    expect(bytes.toString('hex').toUpperCase()).toBe(vector.hex);
  });

  it.each(vectors)('refuses every prefix: $name', (vector) => {
    const bytes = Buffer.from(vector.hex, 'hex');
    for (let length = 0; length < bytes.length; length += 1) {
      const fault = faultOf(() => unpack(SPECS[vector.spec], bytes.subarray(0, length)));
      expect(fault.code).toBe('message-malformed');
      expect(fault.fields['field']).not.toBe('trailer');
      expect(fault.fields['offset']).toBeLessThanOrEqual(length);
    }
  });

  it.each(vectors)('refuses a byte left over: $name', (vector) => {
    const bytes = Buffer.concat([Buffer.from(vector.hex, 'hex'), Buffer.from([0x30])]);
    const fault = faultOf(() => unpack(SPECS[vector.spec], bytes));
    expect(fault.fields).toEqual({ field: 'trailer', offset: bytes.length - 1 });
  });

  it.each(refused)('refuses: $spec, $why', ({ spec, hex }) => {
    const fault = faultOf(() => unpack(SPECS[spec], Buffer.from(hex, 'hex')));
    expect(fault.fields).toEqual({
      field: expect.any(String) as unknown,
      offset: expect.any(Number) as unknown,
    });
  });
});

suite('round trip', () => {
  it.each(SPEC_NAMES)('gives back what was packed: %s', (name) => {
    const spec = SPECS[name];
    fc.assert(
      fc.property(messageOf(spec), (fields) => {
        const mti = `${spec.version}200`;
        const bytes = pack(spec, { mti, fields });
        const message = unpack(spec, bytes);
        expect(message.mti).toBe(mti);
        expect(message.fields).toEqual(new Map([...fields].sort(([a], [b]) => a - b)));
        expect(pack(spec, message).equals(bytes)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it.each(SPEC_NAMES)('carries every field at its longest: %s', (name) => {
    const spec = SPECS[name];
    for (const [number, row] of Object.entries(spec.fields)) {
      const value =
        row.kind === 'x+n'
          ? `D${'7'.repeat(row.size - 1)}`
          : '7'.repeat(row.kind === 'b' ? 2 * row.size : row.size);
      const fields = new Map([[Number(number), value]]);
      expect(unpack(spec, pack(spec, { mti: `${spec.version}200`, fields })).fields).toEqual(
        fields,
      );
      const longer = new Map([[Number(number), `${value}7${row.kind === 'b' ? '7' : ''}`]]);
      const fault = faultOf(() => pack(spec, { mti: `${spec.version}200`, fields: longer }));
      expect(fault.fields['field']).toBe(number);
    }
  });
});

suite('packing refuses', () => {
  const spec = SPECS['iso87-ascii'];
  const cases: [string, string, [number, string][], string][] = [
    ['a short message type', '020', [], 'mti'],
    ['a message type of letters', '02A0', [], 'mti'],
    ['another version', '1200', [], 'mti'],
    ['field 1', '0200', [[1, 'X']], '1'],
    ['field 65', '0200', [[65, '00']], '65'],
    ['field 129', '0200', [[129, '00']], '129'],
    ['a field number with a fraction', '0200', [[3.5, '00']], '3.5'],
    ['a fixed field that is short', '0200', [[3, '50000']], '3'],
    ['a letter in digits', '0200', [[3, '50000A']], '3'],
    ['a character outside Latin-1', '0200', [[41, 'ATM0000\u0660']], '41'],
    ['a control character', '0200', [[41, 'ATM0000\n']], '41'],
    ['a fee without sign', '0200', [[28, '000000500']], '28'],
    ['binary that is not hexadecimal', '0200', [[64, '001122334455667G']], '64'],
    ['half a byte', '0200', [[55, 'ABC']], '55'],
  ];
  it.each(cases)('%s', (_, mti, fields, field) => {
    const fault = faultOf(() => pack(spec, { mti, fields: new Map(fields) }));
    expect(fault.fields['field']).toBe(field);
  });

  it('a letter in BCD digits', () => {
    const fields = new Map([[3, '50000A']]);
    const fault = faultOf(() => pack(SPECS['iso87-bcd'], { mti: '0200', fields }));
    expect(fault.fields['field']).toBe('3');
  });
});

suite('a malformed message', () => {
  it('keeps what was read before the fault, and names field and offset', () => {
    const good = pack(SPECS['iso87-ascii'], {
      mti: '0200',
      fields: new Map([
        [3, '500000'],
        [11, '000001'],
      ]),
    });
    const bad = Buffer.from(good);
    bad[20] = 0x41;
    const fault = faultOf(() => unpack(SPECS['iso87-ascii'], bad));
    expect(fault.fields).toEqual({ field: '11', offset: 20 });
    expect(fault.partial).toEqual({ mti: '0200', fields: new Map([[3, '500000']]) });
    expect(JSON.stringify(fault)).not.toContain('500000');
  });
});

suite('describing', () => {
  it('shows no card, track, PIN, chip data or name', () => {
    const secrets: [number, string][] = [
      [2, '4000340000000506'],
      [14, '2912'],
      [34, '4000340000000506'],
      [35, '4000340000000506=2912101'],
      [36, '4000340000000506=2912102'],
      [45, 'B4000340000000506^KHAN'],
      [52, 'AABBCCDDEEFF0011'],
      [53, '9812345678901234'],
      [55, '9F2608AABBCCDDEEFF0011'],
      [102, 'PK36SCBL0000001123456702'],
      [103, 'PK36SCBL0000001123456703'],
      [120, 'MUHAMMAD KHAN'],
    ];
    const text = describe({ mti: '0200', fields: new Map([...secrets, [11, '000001']]) });
    for (const [, secret] of secrets) expect(text).not.toContain(secret);
    expect(text).toContain('002 400034******0506');
    expect(text).toContain('011 000001');
  });

  it('hides a short PAN entirely', () => {
    expect(maskField(2, '123456789012')).toBe('************');
  });
});
