/** Dialects that are data: every form of the wire that a profile can name, composites, and clear refusals. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Fault } from '../../../kernel/fault.ts';
import { packageRoot } from '../../../kernel/package-root.ts';
import { pack, unpack } from './codec.ts';
import { MalformedMessage } from './malformed.ts';
import { describe as describeMessage } from './message.ts';
import { loadProfile, parseProfile } from './profile-file.ts';
import { decodeToJson, encodeFromJson } from './tool.ts';

const folder = path.join(packageRoot, 'tests/vectors/iso8583');
const file = (name: string): string => path.join(folder, 'profiles', `${name}.json`);

interface Vector {
  readonly name: string;
  readonly profile: string;
  readonly hex: string;
  readonly mti: string;
  readonly fields: Record<string, string>;
  readonly composites?: Record<string, unknown>;
}
const vectors = JSON.parse(readFileSync(path.join(folder, 'dialects.json'), 'utf8')) as Vector[];
const profiles = new Map(vectors.map(({ profile }) => [profile, loadProfile(file(profile))]));

function faultOf(work: () => unknown): Fault {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('Nothing was refused.');
}

describe('dialects', () => {
  it('has a vector for every profile', () => {
    const files = readdirSync(path.join(folder, 'profiles')).map((each) => each.slice(0, -5));
    expect(new Set(vectors.map(({ profile }) => profile))).toEqual(new Set(files));
  });

  it.each(vectors)('decodes and encodes: $name', (vector) => {
    const json = decodeToJson(file(vector.profile), vector.hex);
    expect(json).toEqual({
      mti: vector.mti,
      fields: vector.fields,
      ...(vector.composites === undefined ? {} : { composites: vector.composites }),
    });
    expect(encodeFromJson(file(vector.profile), JSON.parse(JSON.stringify(json)))).toBe(vector.hex);
  });

  it.each(vectors)('encodes from the composites alone: $name', (vector) => {
    const composites = vector.composites ?? {};
    const fields = Object.fromEntries(
      Object.entries(vector.fields).filter(([number]) => !(number in composites)),
    );
    expect(encodeFromJson(file(vector.profile), { mti: vector.mti, fields, composites })).toBe(
      vector.hex,
    );
  });

  it.each(vectors)('refuses every prefix and a byte left over: $name', (vector) => {
    const { spec } = loadProfile(file(vector.profile));
    const bytes = Buffer.from(vector.hex, 'hex');
    for (let length = 0; length < bytes.length; length += 1) {
      const fault = faultOf(() => unpack(spec, bytes.subarray(0, length)));
      expect(fault).toBeInstanceOf(MalformedMessage);
      expect(fault.fields['offset']).toBeLessThanOrEqual(length);
    }
    const longer = Buffer.concat([bytes, Buffer.from([0])]);
    expect(faultOf(() => unpack(spec, longer)).fields).toEqual({
      field: 'trailer',
      offset: bytes.length,
    });
  });

  it.each(vectors)(
    'reads or refuses any change of a byte, and packs what it reads: $name',
    (vector) => {
      const { spec } = loadProfile(file(vector.profile));
      const bytes = Buffer.from(vector.hex, 'hex');
      fc.assert(
        fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
          const changed = Buffer.from(bytes);
          changed[at]! ^= change;
          let message;
          try {
            message = unpack(spec, changed);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedMessage);
            return;
          }
          expect(unpack(spec, pack(spec, message))).toEqual(message);
        }),
        { numRuns: 1_000 },
      );
    },
  );

  it.each(vectors)('takes the frame of its profile: $name', (vector) => {
    const json = { mti: vector.mti, fields: vector.fields };
    const framed = encodeFromJson(file(vector.profile), json, { framed: true });
    expect(framed.endsWith(vector.hex)).toBe(true);
    expect(decodeToJson(file(vector.profile), framed, { framed: true }).fields).toEqual(
      vector.fields,
    );
    const cut = framed.slice(0, -2);
    const fault = faultOf(() => decodeToJson(file(vector.profile), cut, { framed: true }));
    expect(fault.fields['field']).toBe('frame');
  });
});

describe('the corpus', () => {
  const corpus = JSON.parse(
    readFileSync(path.join(packageRoot, 'tests/corpus/iso8583/refused-dialects.json'), 'utf8'),
  ) as { profile: string; why: string; hex: string }[];

  it.each(corpus)('refuses: $profile, $why', ({ profile, hex }) => {
    const { spec } = loadProfile(file(profile));
    const fault = faultOf(() => unpack(spec, Buffer.from(hex, 'hex')));
    expect(fault).toBeInstanceOf(MalformedMessage);
    expect(fault.fields['offset']).toBeLessThanOrEqual(hex.length / 2);
  });

  it('and everything near it is read or refused', () => {
    const edit = fc.tuple(fc.nat(400), fc.nat(255), fc.constantFrom('set', 'cut', 'insert'));
    fc.assert(
      fc.property(
        fc.constantFrom(...corpus, ...vectors),
        fc.array(edit, { minLength: 1, maxLength: 6 }),
        ({ profile, hex }, edits) => {
          let bytes = Buffer.from(hex, 'hex');
          for (const [place, value, kind] of edits) {
            const at = place % Math.max(bytes.length, 1);
            const inserted = kind === 'cut' ? [] : [Buffer.from([value])];
            const rest = bytes.subarray(kind === 'insert' ? at : at + 1);
            bytes = Buffer.concat([bytes.subarray(0, at), ...inserted, rest]);
          }
          const { spec } = profiles.get(profile)!;
          let message;
          try {
            message = unpack(spec, bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedMessage);
            return;
          }
          expect(unpack(spec, pack(spec, message))).toEqual(message);
        },
      ),
      { numRuns: 3_000 },
    );
  });
});

describe('composites', () => {
  const name = 'packed-tpdu';
  const { spec } = loadProfile(file(name));
  const rows: [string, number, string, string][] = [
    ['a tag without length', 55, '9F26', '55.9F26'],
    ['a length past the end', 55, '9F2608AABB', '55.9F26'],
    ['a length without end', 55, '7080', '55.70'],
    ['half a tag', 55, '9F', '55.9F'],
    ['a tag of five bytes', 55, '9F8181818101AA', '55.9F818181'],
    ['an inner length past its template', 55, '7003820200', '55.82'],
    ['nesting too deep', 55, '70127010700E700C700A7008700670047002700082', '55.70'],
    ['a binary TLV cut off', 60, '0102AA', '60.01'],
    ['a binary TLV without length', 60, '01', '60.01'],
    ['a text TLV without length', 62, '01', '62.01'],
    ['a text TLV with letters as length', 62, '01AB1X', '62.01'],
    ['a text TLV past its end', 62, '01004ABC', '62.01'],
    ['a positional part cut off', 48, 'SANAD   101', '48.consumer'],
    ['another kind of character in a part', 48, 'SANAD!  ' + '1'.repeat(24), '48.company'],
    [
      'characters that are no digits in packed digits',
      63,
      '26112F' + '4C41484F52' + '00112233',
      '63.date',
    ],
  ];
  it.each(rows)('refuses %s when packing and unpacking', (_, number, value, field) => {
    const fields = new Map([[number, value]]);
    expect(faultOf(() => pack(spec, { mti: '0200', fields })).fields['field']).toBe(field);
    // The same bytes under a spec that does not look inside.
    const lax = { ...spec, fields: { ...spec.fields } };
    lax.fields[number] = { ...spec.fields[number]!, compositeCheck: 'none' };
    const bytes = pack(lax, { mti: '0200', fields });
    const fault = faultOf(() => unpack(spec, bytes));
    expect(fault.fields['field']).toBe(field);
    expect(fault.fields['offset']).toBeGreaterThanOrEqual(10);
    expect(fault.fields['offset']).toBeLessThanOrEqual(bytes.length);
  });

  it('keeps unknown tags, fillers, lengths of an odd form and their order', () => {
    const value = '00DF8A4203010203' + '9F1B8104000000FF' + '00' + '7105860384240000';
    const fields = new Map([[55, value.slice(0, -2)]]);
    const bytes = pack(spec, { mti: '0200', fields });
    const json = decodeToJson(file(name), bytes.toString('hex'));
    expect(json.composites?.['55']).toEqual([
      { tag: '00' },
      { tag: 'DF8A42', value: '010203' },
      { tag: '9F1B', length: '8104', value: '000000FF' },
      { tag: '00' },
      { tag: '71', members: [{ tag: '86', value: '842400' }] },
    ]);
    const { composites, mti } = json;
    expect(encodeFromJson(file(name), { mti, fields: {}, composites })).toBe(
      bytes.toString('hex').toUpperCase(),
    );
  });

  it('gives back any elements that were written', () => {
    const hex = fc
      .uint8Array({ maxLength: 40 })
      .map((bytes) => Buffer.from(bytes).toString('hex').toUpperCase());
    const element = fc.record({
      tag: fc.constantFrom('57', '5A', '9F26', 'DF01', 'DF8A42'),
      value: hex,
    });
    fc.assert(
      fc.property(fc.array(element, { maxLength: 5 }), (elements) => {
        const composites = { 55: elements };
        const bytes = encodeFromJson(file(name), { mti: '0200', fields: {}, composites });
        expect(decodeToJson(file(name), bytes).composites?.['55']).toEqual(elements);
      }),
      { numRuns: 300 },
    );
  });

  const wrong: [string, Record<string, unknown>][] = [
    ['a part of another width', { 48: { company: 'SANAD', consumer: '1'.repeat(27), remark: '' } }],
    ['an unknown part', { 63: { date: '261123', branch: 'LAHOR', digest: '00112233', more: '1' } }],
    ['parts where tags are', { 55: { company: 'SANAD' } }],
    ['tags where parts are', { 48: [{ tag: '57', value: '00' }] }],
    ['inside a field that has no inside', { 41: { a: 'b' } }],
  ];
  it.each(wrong)('does not encode %s', (_, composites) => {
    const fault = faultOf(() =>
      encodeFromJson(file(name), { mti: '0200', fields: {}, composites }),
    );
    expect(fault.code).toBe('message-malformed');
  });

  it('does not encode a field that is not what its composite says', () => {
    const composites = { 63: { date: '261123', branch: 'LAHOR', digest: '00112233' } };
    const fields = { 63: '261123' + '4C41484F52' + '00112234' };
    const fault = faultOf(() => encodeFromJson(file(name), { mti: '0200', fields, composites }));
    expect(fault.fields['field']).toBe('63');
  });
});

describe('showing', () => {
  it('masks what the standard and the profile call sensitive', () => {
    const secret = vectors.find(({ profile }) => profile === 'packed-tpdu')!;
    const shown = JSON.stringify(decodeToJson(file('packed-tpdu'), secret.hex, { masked: true }));
    const { spec } = loadProfile(file('packed-tpdu'));
    const text = describeMessage(unpack(spec, Buffer.from(secret.hex, 'hex')), spec);
    for (const number of [2, 35, 52, 55, 63]) {
      expect(shown).not.toContain(secret.fields[number]);
      expect(text).not.toContain(secret.fields[number]);
    }
    expect(shown).toContain('400034*******5063');
  });
});

describe('profiles', () => {
  const base = { name: 'bank', base: 'iso87-ascii' };
  const rows: [string, unknown, string][] = [
    ['no name', { base: 'iso87-ascii' }, 'name'],
    ['an unknown base', { ...base, base: 'iso2003' }, 'base'],
    ['an unknown member', { ...base, colour: 'red' }, ''],
    ['an unknown member of a row', { ...base, fields: { 48: { sise: 3 } } }, 'fields.48'],
    ['an unknown kind', { ...base, fields: { 48: { kind: 'ns' } } }, 'fields.48.kind'],
    ['field 1', { ...base, fields: { 1: { size: 3 } } }, 'fields.1'],
    ['field 65', { ...base, fields: { 65: { size: 3 } } }, 'fields.65'],
    ['field 129', { ...base, fields: { 129: { size: 3 } } }, 'fields.129'],
    ['a size above its prefix', { ...base, fields: { 44: { size: 100 } } }, 'fields.44.size'],
    [
      'a size above a binary prefix',
      { ...base, lengths: 'binary', fields: { 2: { size: 256 } } },
      'fields.2.size',
    ],
    [
      'a signed amount of variable length',
      { ...base, fields: { 28: { prefix: 2 } } },
      'fields.28.kind',
    ],
    ['a short MAC', { ...base, fields: { 64: { size: 4 } } }, 'fields.64'],
    [
      'BER-TLV in text',
      { ...base, fields: { 48: { composite: { form: 'ber-tlv' } } } },
      'fields.48.composite',
    ],
    [
      'parts longer than the field',
      {
        ...base,
        fields: {
          41: { composite: { form: 'positional', parts: [{ id: 'a', kind: 'an', size: 9 }] } },
        },
      },
      'fields.41.composite',
    ],
    [
      'parts shorter than a fixed field',
      {
        ...base,
        fields: {
          41: { composite: { form: 'positional', parts: [{ id: 'a', kind: 'an', size: 7 }] } },
        },
      },
      'fields.41.composite',
    ],
    [
      'a TPDU of four bytes',
      { ...base, framing: { header: '60000001', answer: 'tpdu' } },
      'framing.header',
    ],
    ['a header that is not hexadecimal', { ...base, framing: { header: '6' } }, 'framing.header'],
    ['a currency of letters', { ...base, line: { currency: 'PKR' } }, 'line.currency'],
    ['a list', [], ''],
  ];
  it.each(rows)('refuses %s, naming the path', (_, json, where) => {
    const fault = faultOf(() => parseProfile(json));
    expect(fault.code).toBe('config-invalid');
    expect(fault.fields['path']).toBe(where);
    expect(fault.fields['problem']).toEqual(expect.any(String));
  });

  it('refuses a name that is neither a spec nor a file, listing the specs', () => {
    const fault = faultOf(() => loadProfile('no-such-spec'));
    expect(fault.fields['known']).toContain('iso87-bcd');
  });

  it('refuses a file that is not JSON', () => {
    const fault = faultOf(() => loadProfile(path.join(packageRoot, 'LICENSE')));
    expect(fault.code).toBe('config-invalid');
  });

  it('takes the one that docs/spec/iso8583.md shows', () => {
    const page = readFileSync(path.join(packageRoot, 'docs/spec/iso8583.md'), 'utf8');
    const shown = /```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    const { spec, framing, inquiryCode, companyCode } = parseProfile(JSON.parse(shown));
    expect(spec.fields[112]).toBeUndefined();
    expect(framing?.answer).toBe('tpdu');
    expect([inquiryCode, companyCode]).toEqual(['310000', 'SANAD   ']);
  });

  it('takes the agreement of the line', () => {
    expect(loadProfile(file('text-hybrid'))).toMatchObject({
      inquiryCode: '310000',
      paymentCode: '510000',
      companyCode: 'SANAD   ',
      pinData: 'discard',
    });
    expect(loadProfile(file('text-hybrid')).spec.fields[112]).toBeUndefined();
  });
});
