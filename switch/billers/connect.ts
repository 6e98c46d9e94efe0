/** Connecting an external biller: where it is asked, with which secret, how long and how often at once. */
import type { Clock } from '../../kernel/clock.ts';
import { sql, type Database } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Random } from '../../kernel/ids.ts';
import { listDepartments } from '../../ledger/index.ts';
import { parseDestination, type DestinationPolicy } from '../outbound/index.ts';
import { billerSecretContext } from './billers.ts';

export interface ConnectionDraft {
  /** Code of a department of kind `external`. */
  readonly department: string;
  readonly url: string;
  readonly timeoutMs: number;
  readonly inFlightMax: number;
}

export interface ConnectDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly policy: DestinationPolicy;
  readonly secrets: { seal(secret: Buffer, context: string): string };
}

const SECRET_BYTES = 32;

/**
 * Connects a biller, or changes its connection; always with a new secret, which is answered here and never again
 * (base64). Refuses a department that is no external biller (`not-found`), and an address or numbers that are not
 * allowed (`bad-input`).
 */
export async function connectBiller(draft: ConnectionDraft, deps: ConnectDeps): Promise<string> {
  const { department, timeoutMs, inFlightMax } = draft;
  const known = (await listDepartments(deps.database)).find((each) => each.code === department);
  if (known?.kind !== 'external')
    throw new Fault('not-found', 'There is no external biller with this code.', {
      fields: { department },
    });
  if (timeoutMs < 100 || timeoutMs > 60_000 || inFlightMax < 1 || inFlightMax > 500)
    throw new Fault('bad-input', 'A time-out is 100 to 60,000 ms, and 1 to 500 are asked at once.');
  const url = parseDestination(draft.url, deps.policy).href;
  if (url.includes('?')) throw new Fault('bad-input', 'The address of a biller has no query.');
  const secret = deps.random.bytes(SECRET_BYTES);
  const sealed = deps.secrets.seal(secret, billerSecretContext(department));
  await deps.database.query(
    sql`insert into biller_connection (department_code, base_url, secret_sealed, timeout_ms, in_flight_max, active, changed_at)
        values (${department}, ${url}, ${sealed}, ${timeoutMs}, ${inFlightMax}, true, ${deps.clock.now()})
        on conflict (department_code) do update set base_url = excluded.base_url, secret_sealed = excluded.secret_sealed,
          timeout_ms = excluded.timeout_ms, in_flight_max = excluded.in_flight_max, active = true, changed_at = excluded.changed_at`,
  );
  return secret.toString('base64');
}

/** Switches a biller off: its bills cannot be asked for or paid; what is under way waits. False: it was not connected. */
export async function disconnectBiller(
  database: Database,
  department: string,
  at: Date,
): Promise<boolean> {
  const rows = await database.query(
    sql`update biller_connection set active = false, changed_at = ${at} where department_code = ${department} and active returning 1`,
  );
  return rows.length === 1;
}
