/** What the public log gives out: checkpoints with the cosignatures of witnesses, tiles and entries. */
import { prepared, sql, type Queryable } from '../../kernel/database.ts';

export interface PublishedCheckpoint {
  readonly size: bigint;
  /** The signed note, with a line of each witness that cosigned it. */
  readonly note: string;
}

/**
 * The newest confirmed checkpoint that at least `quorum` witnesses have cosigned; undefined while there is none. Each
 * batch leaves a checkpoint, so that a witness that is slow holds back what is published, never what is anchored.
 */
export async function publishedCheckpoint(
  db: Queryable,
  quorum: number,
): Promise<PublishedCheckpoint | undefined> {
  const [row] = await db.query<{ size: bigint; checkpoint: string; lines: string[] }>(
    prepared(
      'public_checkpoint',
      sql`select b.batch_start + b.entry_count as size, b.checkpoint,
            array(select c.line from log_cosignature c where c.size = b.batch_start + b.entry_count order by c.witness) as lines
          from anchor_batch b
          where b.state = 'anchored'
            and (${quorum}::integer = 0 or (select count(*) from log_cosignature c where c.size = b.batch_start + b.entry_count) >= ${quorum}::integer)
          order by b.batch_start desc limit 1`,
    ),
  );
  if (row === undefined) return undefined;
  return { size: row.size, note: row.checkpoint + row.lines.map((line) => `${line}\n`).join('') };
}

const TILE_HASHES = 256;
const HASH_BYTES = 32;

/** Names a tile, or a bundle of entries, as it is asked for; `width` is 1 to 256, and 256 means the full one. */
export interface TileRequest {
  readonly index: bigint;
  readonly width: number;
}

/** The first `width` hashes of a tile; undefined while the log has fewer. */
export async function publicTile(
  db: Queryable,
  { level, index, width }: TileRequest & { readonly level: number },
): Promise<Buffer | undefined> {
  const [row] = await db.query<{ hashes: Buffer }>(
    prepared(
      'public_tile',
      sql`select hashes from log_tile where level = ${level}::smallint and tile_index = ${index}::bigint`,
    ),
  );
  const hashes = row?.hashes.subarray(0, width * HASH_BYTES);
  return hashes?.length === width * HASH_BYTES ? hashes : undefined;
}

/** The first `width` entries of a bundle of 256, each after its length (2 bytes); undefined while the log has fewer. */
export async function publicEntries(
  db: Queryable,
  { index, width }: TileRequest,
): Promise<Buffer | undefined> {
  const from = index * BigInt(TILE_HASHES);
  const rows = await db.query<{ entry: Buffer }>(
    prepared(
      'public_entries',
      sql`select l.entry from log_leaf l join anchor_head h on l.leaf_index < h.size
          where l.leaf_index >= ${from}::bigint and l.leaf_index < ${from + BigInt(width)}::bigint order by l.leaf_index`,
    ),
  );
  if (rows.length !== width) return undefined;
  return Buffer.concat(
    rows.flatMap(({ entry }) => [Buffer.of(entry.length >> 8, entry.length & 0xff), entry]),
  );
}

/** The newest confirmed checkpoint, cosigned or not; undefined before the first batch. */
export async function newestCheckpoint(db: Queryable): Promise<PublishedCheckpoint | undefined> {
  const [row] = await db.query<{ size: bigint; checkpoint: string }>(
    prepared(
      'newest_checkpoint',
      sql`select batch_start + entry_count as size, checkpoint from anchor_batch
          where state = 'anchored' order by batch_start desc limit 1`,
    ),
  );
  return row === undefined ? undefined : { size: row.size, note: row.checkpoint };
}

/** The size of the newest checkpoint that a witness has cosigned; 0 before its first. */
export async function witnessedSize(db: Queryable, witness: string): Promise<bigint> {
  const [row] = await db.query<{ size: bigint }>(sql`
    select size from log_cosignature where witness = ${witness} order by size desc limit 1`);
  return row?.size ?? 0n;
}

export interface StoredCosignature {
  readonly size: bigint;
  readonly witness: string;
  /** The time that the witness states. */
  readonly at: Date;
  /** The line of the signed note, without its newline. */
  readonly line: string;
}

/** Keeps a cosignature; the first of a witness for a size stands. */
export async function insertCosignature(db: Queryable, made: StoredCosignature): Promise<void> {
  await db.query(sql`
    insert into log_cosignature (size, witness, at, line) values (${made.size}, ${made.witness}, ${made.at}, ${made.line})
    on conflict (size, witness) do nothing`);
}
