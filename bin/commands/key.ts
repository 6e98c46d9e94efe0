/**
 * `sanad key list | rotate | adopt | revoke`: the keys that seal stamps. A running product reads them when it starts;
 * its trust list is at `/v1/trust-list`.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { systemClock } from '../../kernel/clock.ts';
import { readConfig } from '../../kernel/config.ts';
import { Fault } from '../../kernel/fault.ts';
import { commandArguments } from '../arguments.ts';
import { print, printJson } from '../output.ts';
import { adoptSealKey, listSealKeys, revokeSealKey, rotateSealKey } from '../seal-keys.ts';

const USAGE =
  'Usage: npx sanad key list [--json] | rotate [--days N] | adopt [--module FILE --token LABEL --key LABEL] [--days N] | revoke KID --reason TEXT';

/** Runs the command; true when it did what was asked. */
export async function keyCommand(argv: readonly string[]): Promise<boolean> {
  const given = commandArguments(argv, {
    json: 'boolean',
    days: 'number',
    module: 'string',
    token: 'string',
    key: 'string',
    reason: 'string',
  });
  const [what, kid] = given.words;
  const config = readConfig();
  const folder = path.join(config.dataFolder, 'keys');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const now = systemClock.now();
  switch (what) {
    case 'list': {
      const keys = await listSealKeys(folder);
      if (given.json) printJson(keys);
      else
        for (const { kid: id, notBefore, notAfter, revokedAt } of keys)
          print(
            `${id}  ${notBefore} to ${notAfter}${revokedAt === undefined ? '' : `  REVOKED ${revokedAt}`}`,
          );
      return true;
    }
    case 'rotate':
      print(
        `New key: ${await rotateSealKey(folder, now, given.days)}. Restart the product to use it.`,
      );
      return true;
    case 'adopt': {
      const { module, token, key, days } = given;
      const parts = [module, token, key].filter((part) => part !== undefined);
      if (parts.length !== 0 && parts.length !== 3) throw new Fault('bad-input', USAGE);
      const made = await adoptSealKey(folder, now, {
        secrets: config,
        ...(module === undefined || token === undefined || key === undefined
          ? {}
          : { token: { module, token, key } }),
        ...(days === undefined ? {} : { days }),
      });
      print(`Taken over: ${made}. Restart the product to use it.`);
      return true;
    }
    case 'revoke': {
      if (kid === undefined || given.reason === undefined) throw new Fault('bad-input', USAGE);
      const done = await revokeSealKey(folder, now, { kid, reason: given.reason });
      print(
        done ? 'Revoked. Restart the product to publish it.' : 'No such key, or revoked before.',
      );
      return done;
    }
    case undefined:
    default:
      throw new Fault('bad-input', USAGE);
  }
}
