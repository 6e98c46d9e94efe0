/** Rows of the challan register. One function per statement. */
import type { BusinessDate } from '../../kernel/clock.ts';
import { prepared, sql, type Queryable } from '../../kernel/database.ts';
import { isPsid, shardOfPsid, type Psid } from '../../kernel/ids.ts';
import { paisa, type Paisa } from '../../kernel/money.ts';
import type { StampApplication } from './application.ts';
import type { ChallanLineDraft } from './challan-line-draft.ts';

/** What a challan is for: an e-stamp, a department's service, or an external biller's bill. */
export type ChallanKind = 'e-stamp' | 'service' | 'external';

export interface NewChallan {
  readonly kind: ChallanKind;
  readonly shard: number;
  readonly psid: Psid;
  readonly challanNumber: string;
  readonly amount: Paisa;
  readonly payableUntil: BusinessDate;
  readonly createdAt: Date;
  readonly secret: Uint8Array;
  readonly payerName: string;
  readonly application: StampApplication;
  readonly duty: unknown;
  readonly idempotencyKey: string;
  readonly contentHash: Uint8Array;
}

/** Inserts the head of a challan. */
export async function insertChallan(tx: Queryable, row: NewChallan): Promise<void> {
  await tx.query(
    prepared(
      'insert_challan',
      sql`insert into challan (shard_id, psid, challan_number, kind, amount_paisa, payable_until, payer_name, district_code,
            application, duty, facts_secret, idempotency_key, application_hash, created_at)
          values (${row.shard}, ${row.psid}, ${row.challanNumber}, ${row.kind}, ${row.amount}, ${row.payableUntil}, ${row.payerName},
            ${row.application.districtCode === '' ? null : row.application.districtCode}, ${JSON.stringify(row.application)}, ${JSON.stringify(row.duty)}, ${row.secret},
            ${row.idempotencyKey}, ${row.contentHash}, ${row.createdAt})`,
    ),
  );
}

export interface NewChallanLine {
  readonly shard: number;
  readonly psid: Psid;
  readonly lineNo: number;
  readonly accountId: bigint;
  readonly line: ChallanLineDraft;
  readonly factsRoot: Uint8Array | undefined;
}

/** Inserts one line of a challan. */
export async function insertChallanLine(tx: Queryable, row: NewChallanLine): Promise<void> {
  const { line } = row;
  await tx.query(
    prepared(
      'insert_challan_line',
      sql`insert into challan_line (shard_id, psid, line_no, head_code, account_id, description, amount_paisa, assumed,
            stamp_kind, article, stamp_description, facts_root)
          values (${row.shard}, ${row.psid}, ${row.lineNo}, ${line.headCode}, ${row.accountId}, ${line.description}, ${line.amount},
            ${line.assumed}, ${line.stamp?.kind ?? null}, ${line.stamp?.article ?? null}, ${line.stamp?.description ?? null},
            ${row.factsRoot ?? null})`,
    ),
  );
}

export interface KnownChallan {
  readonly psid: Psid;
  readonly challanNumber: string;
  readonly amount: Paisa;
  readonly payableUntil: BusinessDate;
  readonly createdAt: Date;
  readonly secret: Buffer;
  readonly contentHash: Buffer;
}

/** The challan that an earlier request with this key created. */
export async function findByIdempotencyKey(
  db: Queryable,
  shard: number,
  key: string,
): Promise<KnownChallan | undefined> {
  const rows = await db.query<{
    psid: string;
    challan_number: string;
    amount_paisa: bigint;
    payable_until: string;
    created_at: Date;
    facts_secret: Buffer;
    application_hash: Buffer;
  }>(
    prepared(
      'find_challan_by_key',
      sql`select psid, challan_number, amount_paisa, payable_until, created_at, facts_secret, application_hash
         from challan where shard_id = ${shard} and idempotency_key = ${key}`,
    ),
  );
  const [row] = rows;
  return row === undefined
    ? undefined
    : {
        psid: row.psid,
        challanNumber: row.challan_number,
        amount: paisa(row.amount_paisa),
        payableUntil: row.payable_until,
        createdAt: row.created_at,
        secret: row.facts_secret,
        contentHash: row.application_hash,
      };
}

export type ChallanState = 'payable' | 'paid' | 'cancelled';

export interface ChallanLine {
  readonly lineNo: number;
  readonly headCode: string;
  readonly headTitle: string;
  readonly description: string;
  readonly amount: Paisa;
  readonly assumed: boolean;
}

export interface Challan {
  readonly kind: ChallanKind;
  readonly psid: Psid;
  readonly challanNumber: string;
  readonly state: ChallanState;
  readonly amount: Paisa;
  readonly payableUntil: BusinessDate;
  readonly payerName: string;
  readonly application: StampApplication;
  readonly duty: unknown;
  readonly secret: Buffer;
  readonly createdAt: Date;
  readonly lines: readonly ChallanLine[];
  readonly payment?: {
    readonly paymentId: bigint;
    readonly paidAt: Date;
    readonly participant: string;
    readonly participantName: string;
    readonly reference: string;
  };
}

type ChallanRow = {
  kind: ChallanKind;
  psid: string;
  challan_number: string;
  state: ChallanState;
  amount_paisa: bigint;
  payable_until: string;
  payer_name: string;
  application: StampApplication;
  duty: unknown;
  facts_secret: Buffer;
  created_at: Date;
  payment_id: bigint | null;
  paid_at: Date | null;
  participant_code: string | null;
  participant_name: string | null;
  reference: string | null;
};

async function loadLines(db: Queryable, shard: number, psid: Psid): Promise<ChallanLine[]> {
  const rows = await db.query<{
    line_no: number;
    head_code: string;
    title: string;
    description: string;
    amount_paisa: bigint;
    assumed: boolean;
  }>(
    prepared(
      'find_challan_lines',
      sql`select l.line_no, l.head_code, h.title, l.description, l.amount_paisa, l.assumed
         from challan_line l join head_of_account h on h.code = l.head_code
         where l.shard_id = ${shard} and l.psid = ${psid} order by l.line_no`,
    ),
  );
  return rows.map((row) => ({
    lineNo: row.line_no,
    headCode: row.head_code,
    headTitle: row.title,
    description: row.description,
    amount: paisa(row.amount_paisa),
    assumed: row.assumed,
  }));
}

/** A challan with its lines and its payment; undefined when there is none with this PSID. */
export async function findChallan(db: Queryable, psid: string): Promise<Challan | undefined> {
  if (!isPsid(psid)) return undefined;
  const shard = shardOfPsid(psid);
  const [row] = await db.query<ChallanRow>(
    prepared(
      'find_challan',
      sql`
    select c.kind, c.psid, c.challan_number, c.state, c.amount_paisa, c.payable_until, c.payer_name, c.application, c.duty, c.facts_secret,
      c.created_at, c.payment_id, c.paid_at, m.participant_code, p.name as participant_name, m.reference
    from challan c
    left join payment m on m.shard_id = c.shard_id and m.payment_id = c.payment_id
    left join participant p on p.code = m.participant_code
    where c.shard_id = ${shard} and c.psid = ${psid}`,
    ),
  );
  if (row === undefined) return undefined;
  const payment =
    row.payment_id === null || row.paid_at === null
      ? {}
      : {
          payment: {
            paymentId: row.payment_id,
            paidAt: row.paid_at,
            participant: row.participant_code ?? '',
            participantName: row.participant_name ?? '',
            reference: row.reference ?? '',
          },
        };
  return {
    kind: row.kind,
    psid: row.psid,
    challanNumber: row.challan_number,
    state: row.state,
    amount: paisa(row.amount_paisa),
    payableUntil: row.payable_until,
    payerName: row.payer_name,
    application: row.application,
    duty: row.duty,
    secret: row.facts_secret,
    createdAt: row.created_at,
    lines: await loadLines(db, shard, psid),
    ...payment,
  };
}
