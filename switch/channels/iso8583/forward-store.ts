/** Keeps forwards in the table `iso_forward`: one function per query. */
import { sql, type Queryable, type Row } from '../../../kernel/database.ts';
import type { Forward, ForwardStore } from './forwarder.ts';

interface ForwardRow extends Row {
  readonly forward_id: bigint;
  readonly participant_code: string;
  readonly match_key: string;
  readonly message: { readonly mti: string; readonly fields: Readonly<Record<string, string>> };
  readonly attempts: number;
}

function forwardOf(row: ForwardRow): Forward {
  const fields = Object.entries(row.message.fields).map(
    ([number, value]) => [Number(number), value] as const,
  );
  return {
    id: row.forward_id,
    participant: row.participant_code,
    matchKey: row.match_key,
    message: { mti: row.message.mti, fields: new Map(fields) },
    attempts: row.attempts,
  };
}

/** Makes the store over a database. */
export function makeForwardStore(database: Queryable): ForwardStore {
  return {
    async add({ id, participant, matchKey, message }, at) {
      const stored = { mti: message.mti, fields: Object.fromEntries(message.fields) };
      const rows = await database.query(sql`
        insert into iso_forward (participant_code, forward_id, match_key, message, next_at, created_at)
        values (${participant}, ${id}, ${matchKey}, ${JSON.stringify(stored)}::jsonb, ${at}, ${at})
        on conflict (participant_code, match_key) do nothing returning forward_id`);
      return rows.length === 1;
    },
    async due(at, limit) {
      const rows = await database.query<ForwardRow>(sql`
        select forward_id, participant_code, match_key, message, attempts from iso_forward
        where settled_at is null and next_at <= ${at} order by next_at, forward_id limit ${limit}`);
      return rows.map(forwardOf);
    },
    async attempted({ id, participant, attempts }, nextAt) {
      const rows = await database.query(sql`
        update iso_forward set attempts = attempts + 1, next_at = ${nextAt}
        where participant_code = ${participant} and forward_id = ${id} and attempts = ${attempts} and settled_at is null
        returning forward_id`);
      return rows.length === 1;
    },
    async settle({ id, participant }, at, answerCode) {
      await database.query(sql`
        update iso_forward set settled_at = ${at}, answer_code = ${answerCode}
        where participant_code = ${participant} and forward_id = ${id} and settled_at is null`);
    },
  };
}
