import { describe, expect, it } from '@jest/globals';
import { Fault } from '../../../kernel/fault.ts';
import { decodeToJson, encodeFromJson } from './tool.ts';

const ECHO = '303830308220000000000000040000000000000031313233323034353031303030303032333031'.slice(
  0,
  -1,
);

function faultOf(work: () => unknown): Fault {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('Nothing was refused.');
}

describe('the tool for integrators', () => {
  const hex = `${ECHO}1`;

  it('decodes to JSON and encodes it again', () => {
    const json = decodeToJson('iso87-ascii', hex.toLowerCase());
    expect(json).toEqual({ mti: '0800', fields: { 7: '1123204501', 11: '000002', 70: '301' } });
    expect(encodeFromJson('iso87-ascii', JSON.parse(JSON.stringify(json)))).toBe(hex);
  });

  const rows: [string, () => unknown, Record<string, unknown>][] = [
    ['an unknown spec', () => decodeToJson('iso2003', hex), { field: 'spec' }],
    [
      'what is not hexadecimal',
      () => decodeToJson('iso87-ascii', '3038XX'),
      { field: 'hex', offset: 2 },
    ],
    ['half a byte', () => decodeToJson('iso87-ascii', '30383'), { field: 'hex', offset: 2 }],
    [
      'a truncated message',
      () => decodeToJson('iso87-ascii', hex.slice(0, -2)),
      { field: '70', offset: 36 },
    ],
    [
      'a message that is too long',
      () => decodeToJson('iso87-ascii', '30'.repeat(70_000)),
      { field: 'hex' },
    ],
    [
      'JSON of another shape',
      () => encodeFromJson('iso87-ascii', { mti: '0800' }),
      { field: 'fields' },
    ],
    [
      'a value that is no text',
      () => encodeFromJson('iso87-ascii', { mti: '0800', fields: { 70: 301 } }),
      { field: '70' },
    ],
    [
      'a value that is too short',
      () => encodeFromJson('iso87-ascii', { mti: '0800', fields: { 70: '1' } }),
      { field: '70' },
    ],
  ];
  it.each(rows)('refuses %s, naming field and offset', (_, work, fields) => {
    const fault = faultOf(work);
    expect(fault.fields).toMatchObject(fields);
    expect(fault.fields['offset']).toEqual(expect.any(Number));
  });
});
