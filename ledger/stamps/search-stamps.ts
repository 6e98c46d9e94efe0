/**
 * The officers' search in the register. Each criterion has an index of its own; a page is cut by the place in time of
 * the stamps' issue (payment and line), the newest first.
 */
import type { BusinessDate } from '../../kernel/clock.ts';
import { sql, type Queryable, type Sql } from '../../kernel/database.ts';
import {
  isPsid,
  isStampId,
  lowestIdAt,
  shardOfPsid,
  type Psid,
  type StampId,
} from '../../kernel/ids.ts';
import { paisa, type Paisa } from '../../kernel/money.ts';
import type { StampKind, StampState } from '../../kernel/stamp.ts';

export const SEARCH_PAGE_MAX = 100;

/** What is searched by; a CNIC finds every stamp in whose application it stands, in whatever part. */
export type StampCriterion =
  | { readonly by: 'id'; readonly id: string }
  | { readonly by: 'psid'; readonly psid: string }
  | { readonly by: 'challan'; readonly challanNumber: string }
  /** Written 5-7-1. */
  | { readonly by: 'cnic'; readonly cnic: string }
  /** As it was given when the stamp was used. */
  | { readonly by: 'deed'; readonly deed: string }
  /** Karachi days of issue, both included. */
  | {
      readonly by: 'issued';
      readonly from: BusinessDate;
      readonly to: BusinessDate;
      readonly districtCode?: string | undefined;
    };

export interface FoundStamp {
  readonly id: StampId;
  readonly psid: Psid;
  readonly challanNumber: string;
  readonly kind: StampKind;
  readonly article: string;
  readonly amount: Paisa;
  readonly issuedAt: Date;
  readonly districtCode: string;
  readonly applicant: string;
  readonly state: StampState;
  readonly stateChangedAt?: Date;
  readonly usedFor?: string;
}

export interface StampPage {
  readonly stamps: readonly FoundStamp[];
  /** Present when there are more: asks for the next page. */
  readonly next?: string;
}

type FoundRow = {
  stamp_id: string;
  psid: string;
  challan_number: string;
  kind: StampKind;
  article: string;
  amount_paisa: bigint;
  issued_at: Date;
  district_code: string;
  applicant: string;
  state: StampState;
  state_changed_at: Date | null;
  used_for: string | null;
  payment_id: bigint;
  line_no: number;
};

/** The place after which a page begins: that of the last stamp of the page before. */
interface Place {
  readonly payment: bigint;
  readonly line: number;
}

const FIRST: Place = { payment: 2n ** 63n - 1n, line: 0 };

/** Reads the `next` of a page; undefined for anything else. */
export function parseSearchPlace(text: string): Place | undefined {
  const read = /^(\d{1,19})\.(\d{1,2})$/.exec(text);
  if (read === null) return undefined;
  const payment = BigInt(read[1] ?? '');
  return payment <= FIRST.payment ? { payment, line: Number(read[2]) } : undefined;
}

/** The stamps of one criterion, each by the index that answers it; undefined for what cannot be found. */
function keysOf(criterion: StampCriterion, { payment, line }: Place): Sql | undefined {
  const most = SEARCH_PAGE_MAX + 1;
  const after = -line;
  switch (criterion.by) {
    case 'id':
      return isStampId(criterion.id)
        ? sql`select s.shard_id, s.stamp_id from stamp s
            where s.shard_id in (select shard_id from lane_lease) and s.stamp_id = ${criterion.id} and s.payment_id < ${payment}`
        : undefined;
    case 'psid':
      return isPsid(criterion.psid)
        ? sql`select s.shard_id, s.stamp_id from stamp s where s.shard_id = ${shardOfPsid(criterion.psid)} and s.payment_id in (
              select m.payment_id from payment m where m.shard_id = ${shardOfPsid(criterion.psid)} and m.psid = ${criterion.psid} and m.state = 'posted'
              union all
              select m.payment_id from payment m where m.shard_id = ${shardOfPsid(criterion.psid)} and m.psid = ${criterion.psid} and m.state = 'reversed')
            and (s.payment_id, -s.line_no) < (${payment}::bigint, ${after}::integer)
            order by s.payment_id desc, s.line_no limit ${most}`
        : undefined;
    case 'challan':
    case 'cnic':
      return sql`with wanted as materialized (
              select c.shard_id, c.psid from challan c
              where ${criterion.by === 'challan' ? criterion.challanNumber : null}::text is not null
                and c.shard_id in (select shard_id from lane_lease) and c.challan_number = ${criterion.by === 'challan' ? criterion.challanNumber : null}
              union all
              select c.shard_id, c.psid from challan c
              where jsonb_path_query_array(c.application, '$.**.cnic') @> ${criterion.by === 'cnic' ? JSON.stringify([criterion.cnic]) : null}::jsonb
            )
            select s.shard_id, s.stamp_id from wanted w
            cross join lateral (
              select m.payment_id from payment m where m.shard_id = w.shard_id and m.psid = w.psid and m.state = 'posted'
              union all
              select m.payment_id from payment m where m.shard_id = w.shard_id and m.psid = w.psid and m.state = 'reversed') m
            join stamp s on s.shard_id = w.shard_id and s.payment_id = m.payment_id
            where (s.payment_id, -s.line_no) < (${payment}::bigint, ${after}::integer)
            order by s.payment_id desc, s.line_no limit ${most}`;
    case 'deed':
      return sql`select s.shard_id, s.stamp_id from stamp s
            where s.shard_id in (select shard_id from lane_lease) and s.used_for = ${criterion.deed}
              and (s.payment_id, -s.line_no) < (${payment}::bigint, ${after}::integer)
            order by s.payment_id desc, s.line_no limit ${most}`;
    case 'issued':
      return sql`select s.shard_id, s.stamp_id from stamp s
            where s.shard_id in (select shard_id from lane_lease)
              and s.payment_id >= ${lowestIdAt(startOf(criterion.from, 0))} and s.payment_id < ${lowestIdAt(startOf(criterion.to, 1))}
              and (${criterion.districtCode ?? null}::text is null or exists (
                select 1 from challan c where c.shard_id = s.shard_id and c.psid = s.psid and c.district_code = ${criterion.districtCode ?? null}))
              and (s.payment_id, -s.line_no) < (${payment}::bigint, ${after}::integer)
            order by s.payment_id desc, s.line_no limit ${most}`;
  }
}

/** The instant at which a Karachi day begins, some days later. */
function startOf(day: BusinessDate, later: number): Date {
  return new Date(Date.parse(`${day}T00:00:00+05:00`) + later * 86_400_000);
}

/** Finds stamps, the newest first, at most `SEARCH_PAGE_MAX` on a page. A malformed id or PSID finds nothing. */
export async function searchStamps(
  db: Queryable,
  criterion: StampCriterion,
  after: Place = FIRST,
): Promise<StampPage> {
  const statement = keysOf(criterion, after);
  const keys =
    statement === undefined
      ? []
      : await db.query<{ shard_id: number; stamp_id: string }>(statement);
  const wanted = keys.slice(0, SEARCH_PAGE_MAX);
  const rows = await db.query<FoundRow>(
    sql`select s.stamp_id, s.psid, c.challan_number, s.kind, l.article, s.amount_paisa, s.issued_at, c.district_code, c.payer_name as applicant,
          s.state, s.state_changed_at, s.used_for, s.payment_id, s.line_no
        from unnest(${wanted.map((key) => key.shard_id)}::smallint[], ${wanted.map((key) => key.stamp_id)}::text[]) as k(shard_id, stamp_id)
        join stamp s using (shard_id, stamp_id)
        join challan c on c.shard_id = s.shard_id and c.psid = s.psid
        join challan_line l on l.shard_id = s.shard_id and l.psid = s.psid and l.line_no = s.line_no
        order by s.payment_id desc, s.line_no`,
  );
  const last = rows.at(-1);
  return {
    stamps: rows.map(foundStamp),
    ...(keys.length > wanted.length && last !== undefined
      ? { next: `${last.payment_id.toString()}.${String(last.line_no)}` }
      : {}),
  };
}

function foundStamp(row: FoundRow): FoundStamp {
  return {
    id: row.stamp_id,
    psid: row.psid,
    challanNumber: row.challan_number,
    kind: row.kind,
    article: row.article,
    amount: paisa(row.amount_paisa),
    issuedAt: row.issued_at,
    districtCode: row.district_code,
    applicant: row.applicant,
    state: row.state,
    ...(row.state_changed_at === null ? {} : { stateChangedAt: row.state_changed_at }),
    ...(row.used_for === null ? {} : { usedFor: row.used_for }),
  };
}
