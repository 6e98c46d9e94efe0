/** Reads what follows a command's name on the command line. */
import { parseArgs } from 'node:util';
import { Fault } from '../kernel/fault.ts';

/** How an option is read: `boolean` is a bare flag, `string` takes a value, `number` a whole number from 0 up. */
export type OptionKind = 'boolean' | 'string' | 'number';

/** The options as a command gets them: a flag is false when absent, anything else undefined. */
export type Options<Kinds extends Readonly<Record<string, OptionKind>>> = {
  readonly [Name in keyof Kinds]: Kinds[Name] extends 'boolean'
    ? boolean
    : (Kinds[Name] extends 'number' ? number : string) | undefined;
};

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new Fault('bad-input', 'An option needs a whole number.', {
      fields: { option: `--${option}`, given: text },
    });
  return value;
}

function parse(
  argv: readonly string[],
  kinds: Readonly<Record<string, OptionKind>>,
): { values: Record<string, unknown>; positionals: string[] } {
  const options = Object.fromEntries(
    Object.entries(kinds).map(([name, kind]) => [
      name,
      { type: kind === 'boolean' ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  try {
    return parseArgs({ args: [...argv], allowPositionals: true, options });
  } catch (cause) {
    throw new Fault('bad-input', 'An option is unknown or lacks its value; see npx sanad --help.', {
      cause,
    });
  }
}

/**
 * Splits a command's arguments into words and options. A Fault `bad-input` names an unknown option, a missing
 * value, or a number that is none.
 */
export function commandArguments<const Kinds extends Readonly<Record<string, OptionKind>>>(
  argv: readonly string[],
  kinds: Kinds,
): { readonly words: readonly string[] } & Options<Kinds> {
  const { values, positionals } = parse(argv, kinds);
  const options = Object.entries(kinds).map(([name, kind]) => {
    const value = values[name];
    if (kind === 'boolean') return [name, value === true];
    return [
      name,
      kind === 'number' && typeof value === 'string' ? wholeNumber(name, value) : value,
    ];
  });
  // The entries were built one by one from `kinds`; the type says what each kind becomes.
  return { words: positionals, ...(Object.fromEntries(options) as Options<Kinds>) };
}
