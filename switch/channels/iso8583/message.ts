/** An ISO 8583 message as text: what the codec reads into and writes from. */
import type { MessageSpec, Sensitivity } from './specs/spec.ts';

/**
 * A message without its bitmap, which follows from the fields. Values are text at full width, exactly as
 * they stand on the wire (blanks and zeros included); binary fields are upper-case hexadecimal; `x+n` is
 * `C` or `D` and the digits.
 */
export interface IsoMessage {
  /** Message type indicator, four digits. */
  readonly mti: string;
  readonly fields: ReadonlyMap<number, string>;
}

const SENSITIVE: ReadonlyMap<number, Sensitivity> = new Map([
  [2, 'pan'],
  [14, 'hidden'],
  [34, 'pan'],
  [35, 'hidden'],
  [36, 'hidden'],
  [45, 'hidden'],
  [52, 'hidden'],
  [53, 'hidden'],
  [55, 'hidden'],
  [102, 'account'],
  [103, 'account'],
  // Bill details carry the payer's name.
  [120, 'hidden'],
]);

/** How much of a field may be shown: the standard's card fields, and what the spec's row adds. */
export function sensitivityOf(number: number, spec?: MessageSpec): Sensitivity | undefined {
  return SENSITIVE.get(number) ?? spec?.fields[number]?.sensitive;
}

/** A field's value as it may be shown: PAN as first six and last four, track, PIN, chip and key data not at all. */
export function maskField(number: number, value: string, spec?: MessageSpec): string {
  switch (sensitivityOf(number, spec)) {
    case undefined:
      return value;
    case 'pan':
      return value.length < 13
        ? '*'.repeat(value.length)
        : value.slice(0, 6) + '*'.repeat(value.length - 10) + value.slice(-4);
    case 'account':
      return '*'.repeat(value.length > 4 ? value.length - 4 : 0) + value.slice(-4);
    case 'hidden':
      return `[hidden, ${String(value.length)} characters]`;
  }
}

/** One line per field, safe for a log or a screen: card, track, PIN, chip data and names are masked. */
export function describe(message: IsoMessage, spec?: MessageSpec): string {
  const lines = [...message.fields]
    .sort(([left], [right]) => left - right)
    .map(
      ([number, value]) => `${String(number).padStart(3, '0')} ${maskField(number, value, spec)}`,
    );
  return [`MTI ${message.mti}`, ...lines].join('\n');
}
