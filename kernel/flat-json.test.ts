import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseFlatJson } from './flat-json.ts';

const NAME = fc.string({ unit: 'grapheme', maxLength: 12 });

it('reads what JSON writes of an object of texts', () => {
  fc.assert(
    fc.property(fc.dictionary(NAME, fc.string({ unit: 'grapheme' })), (object) => {
      expect(parseFlatJson(JSON.stringify(object))).toEqual(new Map(Object.entries(object)));
    }),
  );
});

it.each([
  '',
  '{',
  'null',
  '"a"',
  '[]',
  '["a","b"]',
  '{"a":1}',
  '{"a":null}',
  '{"a":{}}',
  '{"a":["b"]}',
  '{"a":true}',
  '{"a":"1","a":"1"}',
  String.raw`{"a":"1","\u0061":"2"}`,
])('refuses %s', (text) => {
  expect(parseFlatJson(text)).toBeUndefined();
});

it('reads null as what is said for it, and still sees a name that comes twice', () => {
  expect(parseFlatJson('{"a":null,"null":"null"}', '')).toEqual(
    new Map([
      ['a', ''],
      ['null', 'null'],
    ]),
  );
  expect(parseFlatJson('{"a":null,"a":null}', '')).toBeUndefined();
});
