/** The tables of the embedded chain. */
import { prepared, sql, type Queryable } from '../../../kernel/database.ts';
import { InvariantBroken } from '../../../kernel/fault.ts';
import type { BlockFunction, SealedBlock } from './embedded-block.ts';

type BlockRow = {
  number: bigint;
  previous_hash: Buffer;
  function: BlockFunction;
  arguments_hash: Buffer;
  writes_hash: Buffer;
  size: bigint;
  root: Buffer;
  at_ms: bigint;
  block_hash: Buffer;
  signature: Buffer;
};

function blockOfRow(row: BlockRow): SealedBlock {
  return {
    number: row.number,
    previousHash: row.previous_hash,
    function: row.function,
    argumentsHash: row.arguments_hash,
    writesHash: row.writes_hash,
    head: { size: row.size, root: row.root },
    atMs: row.at_ms,
    hash: row.block_hash,
    signature: row.signature,
  };
}

/** The newest block; undefined before the first. */
export async function lastBlock(db: Queryable): Promise<SealedBlock | undefined> {
  const [row] = await db.query<BlockRow>(
    prepared(
      'chain_last_block',
      sql`select number, previous_hash, function, sha256(arguments) as arguments_hash, writes_hash, size, root, at_ms, block_hash, signature
          from chain_block order by number desc limit 1`,
    ),
  );
  return row === undefined ? undefined : blockOfRow(row);
}

/** A block with what its function was called with. */
export interface StoredBlock {
  readonly block: SealedBlock;
  readonly arguments: Uint8Array;
}

/** Up to `limit` blocks from a number on, in order, with their arguments. */
export async function blocksFrom(
  db: Queryable,
  from: bigint,
  limit: number,
): Promise<StoredBlock[]> {
  const rows = await db.query<BlockRow & { arguments: Buffer }>(sql`
    select number, previous_hash, function, arguments, sha256(arguments) as arguments_hash, writes_hash, size, root, at_ms, block_hash, signature
    from chain_block where number >= ${from} order by number limit ${limit}`);
  return rows.map((row) => ({ block: blockOfRow(row), arguments: row.arguments }));
}

/** Adds a block. */
export async function insertBlock(db: Queryable, stored: StoredBlock): Promise<void> {
  const { block, arguments: args } = stored;
  await db.query(
    prepared(
      'chain_insert_block',
      sql`insert into chain_block (number, previous_hash, function, arguments, writes_hash, size, root, at_ms, block_hash, signature)
          values (${block.number}, ${block.previousHash}, ${block.function}, ${args}, ${block.writesHash},
            ${block.head.size}, ${block.head.root}, ${block.atMs}, ${block.hash}, ${block.signature})`,
    ),
  );
}

/** Adds the first block unless there is one. */
export async function insertGenesis(db: Queryable, stored: StoredBlock): Promise<void> {
  const { block, arguments: args } = stored;
  await db.query(sql`
    insert into chain_block (number, previous_hash, function, arguments, writes_hash, size, root, at_ms, block_hash, signature)
    values (0, ${block.previousHash}, ${block.function}, ${args}, ${block.writesHash},
      ${block.head.size}, ${block.head.root}, ${block.atMs}, ${block.hash}, ${block.signature})
    on conflict (number) do nothing`);
}

/** The values of several keys; a key without a value is absent. */
export async function stateValues(
  db: Queryable,
  keys: readonly string[],
): Promise<Map<string, Buffer>> {
  const rows = await db.query<{ key: string; value: Buffer }>(
    prepared(
      'chain_state_values',
      sql`select key, value from chain_state where key = any(${keys}::text[])`,
    ),
  );
  return new Map(rows.map((row) => [row.key, row.value]));
}

/** Writes several keys. */
export async function putState(
  db: Queryable,
  writes: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  await db.query(
    prepared(
      'chain_put_state',
      sql`insert into chain_state (key, value) select * from unnest(${[...writes.keys()]}::text[], ${[...writes.values()]}::bytea[])
          on conflict (key) do update set value = excluded.value`,
    ),
  );
}

/** Waits for and holds the one lock under which the chain grows, until the transaction ends. */
export async function lockChain(db: Queryable): Promise<void> {
  const rows = await db.query(
    prepared('chain_lock', sql`select 1 from chain_block where number = 0 for update`),
  );
  if (rows.length !== 1) throw new InvariantBroken('The embedded chain has lost its first block.');
}
