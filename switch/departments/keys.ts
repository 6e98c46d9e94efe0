/**
 * How a department's programs prove themselves: a token of 256 random bits, sent as `Authorization: Bearer`. Only its
 * hash is kept, which needs no slow function since nobody can guess 256 bits. Several keys may be valid at once, so
 * that a department changes over without a pause.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../kernel/clock.ts';
import { sql, sqlState, type Database } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Random } from '../../kernel/ids.ts';
import { compileAddressList } from '../participants/index.ts';

const TOKEN = /^[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/;

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

export interface DepartmentKeys {
  /**
   * Makes a key for a department and addresses (single or CIDR). The token is shown here and never again. Refuses a
   * department that is unknown (`not-found`), and addresses that are none or absent (`bad-input`).
   */
  issue(
    department: string,
    addresses: readonly string[],
  ): Promise<{ readonly keyId: string; readonly token: string }>;
  /** Ends a key now; false when there is none that is still valid. */
  end(keyId: string): Promise<boolean>;
  /** The department whose valid token this is, from an address that it may come from. */
  authenticate(token: string, remoteAddress: string): Promise<string | undefined>;
}

/** Makes the register of keys over a database. */
export function makeDepartmentKeys(
  database: Database,
  clock: Clock,
  random: Random,
): DepartmentKeys {
  return {
    async issue(department, addresses) {
      if (addresses.length === 0)
        throw new Fault('bad-input', 'A key needs the addresses that it may be used from.');
      compileAddressList(addresses);
      const keyId = random.bytes(8).toString('hex');
      const token = `${keyId}_${random.bytes(32).toString('base64url')}`;
      const now = clock.now();
      try {
        await database.query(
          sql`insert into department_key (key_id, department_code, token_hash, allowed_addresses, valid_from, created_at)
              values (${keyId}, ${department}, ${hashOf(token)}, ${addresses}, ${now}, ${now})`,
        );
      } catch (cause) {
        if (sqlState(cause) !== '23503') throw cause;
        throw new Fault('not-found', 'There is no such department.', { fields: { department } });
      }
      return { keyId, token };
    },
    async end(keyId) {
      const now = clock.now();
      const rows = await database.query(
        sql`update department_key set valid_until = ${now}
            where key_id = ${keyId} and (valid_until is null or valid_until > ${now}) returning 1`,
      );
      return rows.length === 1;
    },
    async authenticate(token, remoteAddress) {
      if (!TOKEN.test(token)) return undefined;
      const now = clock.now();
      const [row] = await database.query<{ department_code: string; allowed_addresses: string[] }>(
        sql`select department_code, allowed_addresses from department_key
            where token_hash = ${hashOf(token)} and valid_from <= ${now} and (valid_until is null or valid_until > ${now})`,
      );
      return row !== undefined && compileAddressList(row.allowed_addresses).has(remoteAddress)
        ? row.department_code
        : undefined;
    },
  };
}
