/** Reads what a statement on its way to the database asks for: which function, with which named arguments. */
import { sql, type Queryable, type Sql } from '../../kernel/database.ts';

/** Argument names of the database's own functions, so that a changed order cannot be misread. */
export type Signatures = ReadonlyMap<string, readonly string[]>;

export async function readSignatures(database: Queryable): Promise<Signatures> {
  const rows = await database.query<{ proname: string; names: string[] }>(sql`
    select p.proname::text as proname, p.proargnames[1 : p.pronargs]::text[] as names
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'public' and p.pronargs > 0 and p.proargnames is not null`);
  return new Map(rows.map((row) => [row.proname, row.names]));
}

export interface Call {
  readonly name: string;
  /** Values by the function's parameter names. */
  readonly values: ReadonlyMap<string, unknown>;
}

/** Functions that change the books; a statement that calls none of them is no call for the model. */
const CHANGING = [
  'post_payments',
  'reverse_payment',
  'post_entry',
  'reserve_hold',
  'void_hold',
  'expire_holds',
];
const CALL = new RegExp(`\\b(${CHANGING.join('|')})\\(([^)]*)\\)`);

/** The call that a statement makes, or undefined. Throws when its arguments are not the function's. */
export function readCall(statement: Sql, signatures: Signatures): Call | undefined {
  const match = CALL.exec(statement.text);
  if (match === null) return undefined;
  const [, name = '', list = ''] = match;
  const names = signatures.get(name) ?? [];
  const places = [...list.matchAll(/\$(\d+)/g)].map((place) => Number(place[1]));
  if (places.length !== names.length)
    throw new Error(`The simulation cannot read the arguments of ${name}.`);
  return {
    name,
    values: new Map(names.map((each, index) => [each, statement.values[(places[index] ?? 0) - 1]])),
  };
}

function argument(call: Call, name: string): unknown {
  if (!call.values.has(name)) throw new Error(`${call.name} has no parameter ${name}.`);
  return call.values.get(name);
}

const wrong = (call: Call, name: string): Error =>
  new Error(`The parameter ${name} of ${call.name} is of another type than the simulation knows.`);

/** An amount, an id or an epoch among the arguments. */
export function bigintOf(call: Call, name: string): bigint {
  const value = argument(call, name);
  if (typeof value !== 'bigint') throw wrong(call, name);
  return value;
}

export function textOf(call: Call, name: string): string {
  const value = argument(call, name);
  if (typeof value !== 'string') throw wrong(call, name);
  return value;
}

export function instantOf(call: Call, name: string): Date {
  const value = argument(call, name);
  if (!(value instanceof Date)) throw wrong(call, name);
  return value;
}

/** A whole array among the arguments; the reader of its elements checks each. */
export function listOf(call: Call, name: string): readonly unknown[] {
  const value = argument(call, name);
  if (!Array.isArray(value)) throw wrong(call, name);
  return value;
}

/** An array of amounts or ids. */
export function bigintsOf(call: Call, name: string): readonly bigint[] {
  return listOf(call, name).map((value) => {
    if (typeof value !== 'bigint') throw wrong(call, name);
    return value;
  });
}

export function textsOf(call: Call, name: string): readonly string[] {
  return listOf(call, name).map((value) => {
    if (typeof value !== 'string') throw wrong(call, name);
    return value;
  });
}

export type LeaseStatement = 'take' | 'renew' | 'release';

/** Which of the lease's statements this is, or undefined. */
export function readLease(statement: Sql): LeaseStatement | undefined {
  if (/\btake_lane\(/.test(statement.text)) return 'take';
  if (!/update lane_lease/.test(statement.text)) return undefined;
  return /expires_at = now\(\) \+/.test(statement.text) ? 'renew' : 'release';
}
