/** The external billers by PSID prefix, with the client and the circuit of each. The list is read anew every few seconds. */
import type { Clock } from '../../kernel/clock.ts';
import { sql, type Database, type Row } from '../../kernel/database.ts';
import type { Log } from '../../kernel/log.ts';
import type { Psid } from '../../kernel/ids.ts';
import type { Department } from '../../ledger/index.ts';
import type { Caller } from '../outbound/index.ts';
import type { SecretOpener } from '../participants/index.ts';
import { Circuit } from './circuit.ts';
import { makeBillerClient, type BillerClient } from './client.ts';

/** A biller that can be asked. */
export interface Biller {
  readonly department: Department;
  readonly client: BillerClient;
  readonly circuit: Circuit;
}

export interface BillersDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly secrets: SecretOpener;
  readonly call: Caller;
  /** How old the list may get; 5,000 when absent. */
  readonly cacheMs?: number;
}

export interface Billers {
  /** True for a PSID of an external biller, connected or not. Costs no query. */
  isExternal(psid: Psid): boolean;
  /** The biller of a PSID; undefined when it is not connected or switched off. */
  find(psid: Psid): Promise<Biller | undefined>;
}

const FAILURES_MAX = 5;
const OPEN_FIRST_MS = 5_000;
const OPEN_LONGEST_MS = 60_000;

interface ConnectionRow extends Row {
  readonly code: string;
  readonly name: string;
  readonly prefix: string;
  readonly head_code: string;
  readonly base_url: string | null;
  readonly secret_sealed: string | null;
  readonly timeout_ms: number | null;
  readonly in_flight_max: number | null;
  readonly active: boolean | null;
  readonly changed_at: Date | null;
}

interface Entry {
  readonly changedAt: number;
  readonly biller: Biller | undefined;
}

/** The context under which a biller's secret is sealed. */
export function billerSecretContext(code: string): string {
  return `biller/${code}`;
}

function connect(row: ConnectionRow, deps: BillersDeps): Biller | undefined {
  const { base_url: baseUrl, secret_sealed: sealed, timeout_ms: timeoutMs } = row;
  if (row.active !== true || baseUrl === null || sealed === null || timeoutMs === null)
    return undefined;
  const secret = deps.secrets.open(sealed, billerSecretContext(row.code));
  return {
    department: {
      code: row.code,
      name: row.name,
      prefix: row.prefix,
      kind: 'external',
      headCode: row.head_code,
    },
    client: makeBillerClient({ baseUrl, secret, timeoutMs }, deps),
    circuit: new Circuit(deps.clock, {
      inFlightMax: row.in_flight_max ?? 1,
      failuresMax: FAILURES_MAX,
      firstMs: OPEN_FIRST_MS,
      longestMs: OPEN_LONGEST_MS,
    }),
  };
}

/** Reads the billers; a PSID's prefix is known from then on, and looked at again as the list grows old. */
export async function openBillers(deps: BillersDeps): Promise<Billers> {
  const { database, clock, log, cacheMs = 5_000 } = deps;
  let entries: ReadonlyMap<string, Entry> = new Map();
  let readAt = 0;
  let reading: Promise<void> | undefined;
  const entryOf = (row: ConnectionRow): Entry => {
    const changedAt = row.changed_at?.getTime() ?? 0;
    const before = entries.get(row.prefix);
    // A biller that has not changed keeps its circuit.
    if (before?.changedAt === changedAt) return before;
    try {
      return { changedAt, biller: connect(row, deps) };
    } catch (error) {
      log.error({ err: error, department: row.code }, 'A biller cannot be connected.');
      return { changedAt, biller: undefined };
    }
  };
  const read = async (): Promise<void> => {
    const rows = await database.query<ConnectionRow>(
      sql`select d.code, d.name, d.prefix, d.head_code, c.base_url, c.secret_sealed, c.timeout_ms, c.in_flight_max, c.active, c.changed_at
          from department d left join biller_connection c on c.department_code = d.code where d.kind = 'external'`,
    );
    entries = new Map(rows.map((row) => [row.prefix, entryOf(row)]));
    readAt = clock.now().getTime();
  };
  const refresh = (): Promise<void> => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  };
  await refresh();
  return {
    isExternal: (psid) => entries.has(psid.slice(0, 3)),
    async find(psid) {
      const age = clock.now().getTime() - readAt;
      if (age < 0 || age >= cacheMs) await refresh();
      return entries.get(psid.slice(0, 3))?.biller;
    },
  };
}
