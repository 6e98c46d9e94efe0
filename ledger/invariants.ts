/** Runs the invariants of `invariants.sql` over the whole books. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Queryable, type Row } from '../kernel/database.ts';
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
        name: name.trim(),
        rule: rule.replace(/^-- /, ''),
        query: query.join('\n').trim().replace(/;$/, ''),
      };
    });
}

function printable(row: Row): Record<string, string> {
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, String(value)]));
}

/** Checks every invariant in one repeatable-read view of the books; an empty list means that all hold. */
export async function checkInvariants(tx: Queryable): Promise<BrokenInvariant[]> {
  const broken: BrokenInvariant[] = [];
  for (const { name, rule, query } of await readInvariants()) {
    const rows = await tx.query({
      text: `select * from (${query}) broken limit ${String(ROWS_MAX)}`,
      values: [],
    });
    if (rows.length > 0) broken.push({ invariant: name, rule, rows: rows.map(printable) });
  }
  return broken;
}
