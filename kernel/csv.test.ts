import { expect, it } from '@jest/globals';
import { csvLine } from './csv.ts';

it('writes cells by RFC 4180, and never a formula', () => {
  expect(csvLine(['plain', 'a,"b"'])).toBe('plain,"a,""b"""');
  for (const text of ['=1+1', '+1', '-1', '@x', '\tx']) expect(csvLine([text])).toBe(`'${text}`);
  expect(csvLine(['=1,2'])).toBe(`"'=1,2"`);
});
