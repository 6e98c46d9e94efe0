/**
 * `sanad operator add | list | remove`: who may come to the officers' desk, until there are accounts of staff. The
 * token is printed once; the file in the data folder keeps its hash. A running product follows the file
 * (bin/operators.ts).
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { readConfig } from '../../kernel/config.ts';
import { Fault } from '../../kernel/fault.ts';
import { operatorTokenHash, parseOperators, type OperatorRecord } from '../../switch/index.ts';
import { commandArguments } from '../arguments.ts';
import { operatorsFile, readOperators } from '../operators.ts';
import { print } from '../output.ts';
import { writePrivateJson } from '../private-file.ts';

const USAGE =
  'Usage: npx sanad operator add --id ID --role sub-registrar|collector|inspector|verifier|sms-gateway --office TEXT --from ADDRESS[,ADDRESS] | list | remove --id ID';

async function write(dataFolder: string, records: readonly unknown[]): Promise<void> {
  const file = operatorsFile(dataFolder);
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writePrivateJson(file, parseOperators(records));
}

function asRecord(given: {
  readonly id: string | undefined;
  readonly role: string | undefined;
  readonly office: string | undefined;
  readonly from: string | undefined;
}): { record: unknown; token: string } {
  const { id, role, office, from } = given;
  if (id === undefined || role === undefined || office === undefined || from === undefined)
    throw new Fault('bad-input', USAGE);
  const token = randomBytes(32).toString('base64url');
  const addresses = from.split(',');
  return { record: { id, role, office, tokenHash: operatorTokenHash(token), addresses }, token };
}

/** Runs the command; true when it did what was asked. */
export async function operatorCommand(argv: readonly string[]): Promise<boolean> {
  const given = commandArguments(argv, {
    id: 'string',
    role: 'string',
    office: 'string',
    from: 'string',
  });
  const [what] = given.words;
  const { dataFolder } = readConfig();
  const known: readonly OperatorRecord[] = await readOperators(dataFolder);
  if (what === 'list') {
    for (const { id, role, office, addresses } of known)
      print(`${id}  ${role}  ${office}  from ${addresses.join(', ')}`);
    return true;
  }
  if (what === 'remove') {
    const left = known.filter(({ id }) => id !== given.id);
    if (left.length === known.length)
      throw new Fault('not-found', 'There is no such operator.', {
        fields: { id: given.id ?? '' },
      });
    await write(dataFolder, left);
    print('Removed. A running product forgets the token within seconds.');
    return true;
  }
  if (what !== 'add') throw new Fault('bad-input', USAGE);
  const { record, token } = asRecord(given);
  await write(dataFolder, [...known, record]);
  print(`Token, shown once: ${token}`);
  return true;
}
