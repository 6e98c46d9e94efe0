/** The built-in specs by name; a profile file is another of their kind (`../profile-file.ts`). */
import { FIELDS_1987 } from './fields-1987.ts';
import { FIELDS_1993 } from './fields-1993.ts';
import type { MessageSpec } from './spec.ts';

export const SPEC_NAMES = [
  'iso87-ascii',
  'iso87-ascii-hex',
  'iso87-bcd',
  'iso87-ebcdic',
  'iso93-ascii',
] as const;

export type SpecName = (typeof SPEC_NAMES)[number];

export const SPECS: Readonly<Record<SpecName, MessageSpec>> = {
  'iso87-ascii': {
    name: 'iso87-ascii',
    version: '0',
    digits: 'text',
    text: 'ascii',
    binary: 'bytes',
    fields: FIELDS_1987,
  },
  'iso87-ascii-hex': {
    name: 'iso87-ascii-hex',
    version: '0',
    digits: 'text',
    text: 'ascii',
    binary: 'hex',
    fields: FIELDS_1987,
  },
  'iso87-bcd': {
    name: 'iso87-bcd',
    version: '0',
    digits: 'bcd',
    text: 'ascii',
    binary: 'bytes',
    fields: FIELDS_1987,
  },
  'iso87-ebcdic': {
    name: 'iso87-ebcdic',
    version: '0',
    digits: 'text',
    text: 'ebcdic',
    binary: 'bytes',
    fields: FIELDS_1987,
  },
  'iso93-ascii': {
    name: 'iso93-ascii',
    version: '1',
    digits: 'text',
    text: 'ascii',
    binary: 'bytes',
    fields: FIELDS_1993,
  },
};
