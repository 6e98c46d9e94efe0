/**
 * The log: JSON lines on stderr, a constant message with fields. What could name a person or open a door is
 * redacted by this list before it is written (STYLE, habit 20).
 */
import { pino, type DestinationStream, type Logger } from 'pino';

export type Log = Logger;

export const REDACTED_FIELDS = [
  'cnic',
  'name',
  'address',
  'contact',
  'phone',
  'pan',
  'track',
  'pin',
  'password',
  'secret',
  'token',
  'key',
  'authorization',
  'salt',
] as const;

export interface LogOptions {
  readonly level: string;
  /** Where lines go; stderr when absent, so that stdout stays for answers. */
  readonly destination?: DestinationStream;
}

/** Makes a log that writes JSON lines and hides every field of `REDACTED_FIELDS`, at the top or one level down. */
export function makeLog(options: LogOptions): Log {
  const paths = REDACTED_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);
  return pino(
    { level: options.level, redact: { paths, censor: '[hidden]' }, base: null },
    options.destination ?? pino.destination({ fd: 2, sync: true }),
  );
}
