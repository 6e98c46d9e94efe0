import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cnic, lineOfText, mobile, paisaText, psid, stampId } from './fields.ts';
import { stampApplicationRequest } from './schemas.ts';

const name = lineOfText(120);

describe('a name', () => {
  it.each(['Muhammad Aslam', 'محمد اسلم', 'زینب بی بی', "D'Souza", 'Ḥasan-ud-Dīn'])(
    'may be %s',
    (text) => {
      expect(name.parse(text)).toBe(text.normalize('NFC'));
    },
  );

  it('is kept in NFC and without spaces around it', () => {
    expect(name.parse('  Zoe\u0301 ')).toBe('Zoé');
  });

  it.each([
    ['nothing', ''],
    ['spaces', '   '],
    ['a right-to-left override', 'Aslam\u202e'],
    ['an isolate', '\u2066Aslam\u2069'],
    ['a right-to-left mark', 'As\u200flam'],
    ['an Arabic letter mark', 'As\u061clam'],
    ['a zero-width space', 'As\u200blam'],
    ['a zero-width joiner', 'As\u200dlam'],
    ['a byte order mark', 'As\ufefflam'],
    ['a soft hyphen', 'As\u00adlam'],
    ['a Hangul filler', 'As\u3164lam'],
    ['a tag character', 'As\u{e0041}lam'],
    ['a line break', 'As\nlam'],
    ['a line separator', 'As\u2028lam'],
    ['a null', 'As\0lam'],
    ['a lone surrogate', 'As\ud800lam'],
    ['121 characters', 'x'.repeat(121)],
  ])('is refused when it has %s', (_what, text) => {
    expect(name.safeParse(text).success).toBe(false);
  });
});

describe('a CNIC', () => {
  it('is kept as 5-7-1 however it was written', () => {
    expect(cnic.parse('3520212345671')).toBe('35202-1234567-1');
    expect(cnic.parse('35202-1234567-1')).toBe('35202-1234567-1');
  });

  it.each(['352021234567', '35202-12345671', '35202 1234567 1', '٣٥٢٠٢١٢٣٤٥٦٧١'])(
    'is refused as %s',
    (text) => {
      expect(cnic.safeParse(text).success).toBe(false);
    },
  );
});

describe('a mobile number', () => {
  it('is kept with its leading zero', () => {
    expect(mobile.parse('+923001234567')).toBe('03001234567');
    expect(mobile.parse('03001234567')).toBe('03001234567');
  });

  it.each(['0300123456', '0421234567', '923001234567', '+9203001234567', '0300-1234567'])(
    'is refused as %s',
    (text) => {
      expect(mobile.safeParse(text).success).toBe(false);
    },
  );
});

describe('ids', () => {
  it('with any single wrong digit are refused', () => {
    for (const [schema, good] of [
      [psid, '10100482911930272'],
      [stampId, '4829119302746153'],
    ] as const) {
      expect(schema.parse(good)).toBe(good);
      fc.assert(
        fc.property(fc.nat(good.length - 1), fc.nat(9), (at, digit) => {
          const changed = good.slice(0, at) + String(digit) + good.slice(at + 1);
          expect(schema.safeParse(changed).success).toBe(changed === good);
        }),
      );
    }
  });

  it('of stamps may come as printed', () => {
    expect(stampId.parse('4829-1193-0274-6153')).toBe('4829119302746153');
  });
});

it('takes paisa as digits only', () => {
  for (const text of ['0', '1', '999999999999999']) expect(paisaText.parse(text)).toBe(text);
  for (const text of ['01', '-1', '+1', '1.0', '1e3', '', '1000000000000000', '1 000']) {
    expect(paisaText.safeParse(text).success).toBe(false);
  }
});

it('never throws on any application, and what it accepts it accepts again unchanged', () => {
  fc.assert(
    fc.property(fc.object({ maxDepth: 4 }), (body) => {
      const parsed = stampApplicationRequest.safeParse(body);
      if (parsed.success) {
        expect(stampApplicationRequest.parse(parsed.data)).toEqual(parsed.data);
      }
    }),
  );
});
