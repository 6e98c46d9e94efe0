/** `sanad iso8583 decode|encode`: the codec as a tool for integrators. */
import { Fault } from '../../kernel/fault.ts';
import { decodeToJson, encodeFromJson } from '../../switch/index.ts';
import { commandArguments } from '../arguments.ts';
import { parseJson, print, printJson } from '../output.ts';

/** True when the message could be decoded or encoded. */
export function iso8583Command(argv: readonly string[]): Promise<boolean> {
  const given = commandArguments(argv, { json: 'boolean', spec: 'string' });
  const [direction, text] = given.words;
  if (given.spec === undefined || text === undefined) {
    throw new Fault(
      'bad-input',
      'Usage: npx sanad iso8583 decode --spec NAME HEX, or encode --spec NAME JSON.',
    );
  }
  if (direction === 'decode') printJson(decodeToJson(given.spec, text));
  else if (direction === 'encode') print(encodeFromJson(given.spec, parseJson(text)));
  else throw new Fault('bad-input', 'The direction is decode or encode.');
  return Promise.resolve(true);
}
