/** Runs the invariants of `invariants.sql` over the whole books. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { BusinessDate } from '../kernel/clock.ts';
import { sql, type Queryable, type Row } from '../kernel/database.ts';
import { packageRoot } from '../kernel/package-root.ts';

/** An invariant that does not hold, with the rows that break it (at most 20). */
export interface BrokenInvariant {
  readonly invariant: string;
  /** What should hold, in words. */
  readonly rule: string;
  readonly rows: readonly Readonly<Record<string, string>>[];
}

const ROWS_MAX = 20;

interface Invariant {
  readonly name: string;
  /** True for one that is cheap enough over new rows to be checked every minute. */
  readonly online: boolean;
  readonly rule: string;
  readonly query: string;
}

async function readInvariants(): Promise<Invariant[]> {
  const text = await readFile(path.join(packageRoot, 'ledger', 'invariants.sql'), 'utf8');
  return text
    .split(/^-- name: /m)
    .slice(1)
    .map((part) => {
      const [name = '', rule = '', ...query] = part.split('\n');
      return {
        name: name.replace('(online)', '').trim(),
        online: name.includes('(online)'),
        rule: rule.replace(/^-- /, ''),
        query: query.join('\n').trim().replace(/;$/, ''),
      };
    });
}

function printable(row: Row): Record<string, string> {
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, String(value)]));
}

/** From where an online check looks: everything made at or after an instant. */
export interface Since {
  /** The lowest row id of that instant (`lowestIdAt`). */
  readonly id: bigint;
  readonly businessDate: BusinessDate;
}

const ALL: Since = { id: 0n, businessDate: '0001-01-01' };

/** Gives a query the bounds that its text names: all of them, or none. */
function bounded(query: string, since: Since): { text: string; values: unknown[] } {
  const text = `select * from (${query}) broken limit ${String(ROWS_MAX)}`;
  if (!/\$[12]\b/.test(query)) return { text, values: [] };
  // A parameter needs its type where the query names only one of the two.
  return {
    text: `with since as materialized (select $1::bigint as id, $2::date as day) ${text}`,
    values: [since.id, since.businessDate],
  };
}

/** The names of the invariants that are checked while the product runs. */
export async function onlineInvariants(): Promise<string[]> {
  return (await readInvariants()).filter((each) => each.online).map((each) => each.name);
}

/**
 * Checks the invariants; an empty list means that all hold. With `since`, only those that are cheap over new
 * rows, and only over those. Give it a repeatable-read transaction, so that all queries see the same books.
 */
export async function checkInvariants(tx: Queryable, since?: Since): Promise<BrokenInvariant[]> {
  const broken: BrokenInvariant[] = [];
  // A whole audit reads whole tables; without fresh statistics the planner would look rows up one by one.
  // It sorts and hashes them too, which a small share of memory would send to disk.
  if (since === undefined)
    await tx.query(
      sql`select set_config('enable_nestloop', 'off', true), set_config('work_mem', '256MB', true)`,
    );
  for (const { name, rule, query, online } of await readInvariants()) {
    if (since !== undefined && !online) continue;
    const rows = await tx.query(bounded(query, since ?? ALL));
    if (rows.length > 0) broken.push({ invariant: name, rule, rows: rows.map(printable) });
  }
  return broken;
}
