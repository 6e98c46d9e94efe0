/** `sanad iso8583 decode|encode`: the codec as a tool for integrators. */
import { Fault } from '../../kernel/fault.ts';
import { decodeToJson, encodeFromJson } from '../../switch/index.ts';
import { commandArguments } from '../arguments.ts';
import { parseJson, print, printJson } from '../output.ts';

const USAGE =
  'Usage: npx sanad iso8583 decode --spec NAME|FILE [--framed] [--clear] HEX, or encode --spec NAME|FILE [--framed] JSON. ' +
  'Card, track, PIN and chip data are shown with --clear only.';

/** True when the message could be decoded or encoded. */
export function iso8583Command(argv: readonly string[]): Promise<boolean> {
  const given = commandArguments(argv, {
    json: 'boolean',
    spec: 'string',
    framed: 'boolean',
    clear: 'boolean',
  });
  const [direction, ...rest] = given.words;
  if (given.spec === undefined || rest.length === 0) throw new Fault('bad-input', USAGE);
  // Hexadecimal may come in groups, which a shell hands over as words.
  const text = rest.join(' ');
  const { framed, spec } = given;
  if (direction === 'decode') {
    printJson(decodeToJson(spec, text, { framed, masked: !given.clear }));
  } else if (direction === 'encode') {
    const hex = encodeFromJson(spec, parseJson(text), { framed });
    if (given.json) printJson({ hex });
    else print(hex);
  } else throw new Fault('bad-input', 'The direction is decode or encode.');
  return Promise.resolve(true);
}
