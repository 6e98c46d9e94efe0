/** What commands print: answers on stdout, progress and problems on stderr, one line a problem. */
import { Fault } from '../kernel/fault.ts';

/** Prints one JSON document on stdout. */
export function printJson(value: unknown): void {
  process.stdout.write(
    `${JSON.stringify(value, (_key, member: unknown) => (typeof member === 'bigint' ? member.toString() : member), 2)}\n`,
  );
}

/** Prints one line on stdout. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Prints one line of progress on stderr. */
export function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** One line that says what went wrong and what to do. */
export function problemLine(error: unknown): string {
  if (error instanceof Fault) {
    const fields = Object.entries(error.fields).map(([name, value]) => `${name}: ${String(value)}`);
    return `sanad: ${error.message}${fields.length === 0 ? '' : ` (${fields.join(', ')})`}`;
  }
  return `sanad: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
}

/** Reads a JSON argument; a Fault `bad-input` with an example when it is missing or no JSON. */
export function parseJson(text: string | undefined, example = '{…}'): unknown {
  try {
    if (text !== undefined) return JSON.parse(text);
  } catch (cause) {
    throw new Fault('bad-input', 'The argument is not JSON.', { fields: { example }, cause });
  }
  throw new Fault('bad-input', 'Give the input as one JSON argument.', { fields: { example } });
}
