import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hasLoneSurrogate, parseJsonBody } from './json-body.ts';
import { HttpProblem } from './problem.ts';

describe('a JSON body', () => {
  it('of any document without repeated keys reads as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        fc.pre(!text.includes('"__proto__"'));
        expect(parseJsonBody(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('may have a string that looks like structure', () => {
    const value = { a: '{"a":1,"a":2}', b: ['a', { a: '\\"' }, 'a'], c: { a: 1 } };
    expect(parseJsonBody(JSON.stringify(value))).toEqual(value);
  });

  it.each([
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '[{"x":{"a":[],"b":{},"a":1}}]',
    '{"__proto__":1}',
    '{"a":{"\\u005f_proto__":1}}',
    '{"a":1',
    '',
    '{a:1}',
    '[1,]',
    'NaN',
    `${'['.repeat(17)}${']'.repeat(17)}`,
    '['.repeat(60_000),
  ])('is refused when it is %p', (text) => {
    expect(() => parseJsonBody(text)).toThrow(HttpProblem);
  });

  it('with a lone surrogate is found out', () => {
    expect(hasLoneSurrogate('\ud800')).toBe(true);
    expect(hasLoneSurrogate('x\udc00y')).toBe(true);
    expect(hasLoneSurrogate('🧾 سند')).toBe(false);
  });
});
