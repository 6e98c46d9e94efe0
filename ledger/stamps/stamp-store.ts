/** The register of e-stamps. */
import { prepared, sql, type Queryable } from '../../kernel/database.ts';
import { isStampId, type Psid, type StampId } from '../../kernel/ids.ts';
import { paisa, type Paisa } from '../../kernel/money.ts';
import type { StampKind, StampState } from '../../kernel/stamp.ts';
import type { StampApplication } from '../challans/application.ts';

export interface Stamp {
  readonly shard: number;
  readonly id: StampId;
  readonly psid: Psid;
  readonly challanNumber: string;
  /** The line of the challan that bears the stamp. */
  readonly lineNo: number;
  readonly kind: StampKind;
  readonly article: string;
  readonly description: string;
  readonly amount: Paisa;
  readonly issuedAt: Date;
  readonly salt: Buffer;
  readonly factsRoot: Buffer;
  readonly recordRoot: Buffer;
  readonly logSize: bigint;
  readonly state: StampState;
  readonly stateChangedAt?: Date;
  readonly usedFor?: string;
  readonly application: StampApplication;
  /** Source of the facts' salts, and of the token that opens the stamp's documents. */
  readonly secret: Buffer;
  readonly participantName: string;
}

type StampRow = {
  shard_id: number;
  stamp_id: string;
  psid: string;
  challan_number: string;
  line_no: number;
  kind: Stamp['kind'];
  article: string;
  stamp_description: string;
  amount_paisa: bigint;
  issued_at: Date;
  salt: Buffer;
  facts_root: Buffer;
  record_root: Buffer;
  log_size: bigint;
  state: StampState;
  state_changed_at: Date | null;
  used_for: string | null;
  application: StampApplication;
  facts_secret: Buffer;
  participant_name: string | null;
};

/** A stamp with the facts it attests; undefined when the register has none with this id. */
export async function findStamp(db: Queryable, id: string): Promise<Stamp | undefined> {
  if (!isStampId(id)) return undefined;
  const [row] = await db.query<StampRow>(
    prepared(
      'find_stamp',
      sql`
    select s.shard_id, s.stamp_id, s.psid, c.challan_number, s.line_no, s.kind, l.article, l.stamp_description, s.amount_paisa, s.issued_at, s.salt,
      l.facts_root, s.record_root, s.log_size, s.state, s.state_changed_at, s.used_for, c.application, c.facts_secret, p.name as participant_name
    from stamp s
    join challan c on c.shard_id = s.shard_id and c.psid = s.psid
    join challan_line l on l.shard_id = s.shard_id and l.psid = s.psid and l.line_no = s.line_no
    join payment m on m.shard_id = s.shard_id and m.payment_id = s.payment_id
    left join participant p on p.code = m.participant_code
    where s.shard_id in (select shard_id from lane_lease) and s.stamp_id = ${id}`,
    ),
  );
  if (row === undefined) return undefined;
  return {
    shard: row.shard_id,
    id: row.stamp_id,
    psid: row.psid,
    challanNumber: row.challan_number,
    lineNo: row.line_no,
    kind: row.kind,
    article: row.article,
    description: row.stamp_description,
    amount: paisa(row.amount_paisa),
    issuedAt: row.issued_at,
    salt: row.salt,
    factsRoot: row.facts_root,
    recordRoot: row.record_root,
    logSize: row.log_size,
    state: row.state,
    ...(row.state_changed_at === null ? {} : { stateChangedAt: row.state_changed_at }),
    ...(row.used_for === null ? {} : { usedFor: row.used_for }),
    application: row.application,
    secret: row.facts_secret,
    participantName: row.participant_name ?? '',
  };
}

/** The ids of the stamps that a challan's payment issued, cancelled ones left out. */
export async function stampsOfChallan(db: Queryable, psid: Psid): Promise<StampId[]> {
  const rows = await db.query<{ stamp_id: string }>(
    prepared(
      'stamps_of_challan',
      sql`
    select s.stamp_id from challan c join stamp s on s.shard_id = c.shard_id and s.payment_id = c.payment_id
    where c.shard_id = ${Number(psid.slice(3, 5))} and c.psid = ${psid} order by s.line_no`,
    ),
  );
  return rows.map((row) => row.stamp_id);
}

/** The seal kept for a stamp, so that every print carries the same code. */
export async function findSeal(db: Queryable, stamp: Stamp): Promise<string | undefined> {
  const rows = await db.query<{ qr_text: string }>(
    prepared(
      'find_seal',
      sql`select qr_text from stamp_seal where shard_id = ${stamp.shard} and stamp_id = ${stamp.id}`,
    ),
  );
  return rows[0]?.qr_text;
}

/** Keeps a seal unless one is kept already, and returns the one that is kept. */
export async function keepSeal(
  db: Queryable,
  stamp: Stamp,
  qrText: string,
  sealedAt: Date,
): Promise<string> {
  await db.query(sql`
    insert into stamp_seal (shard_id, stamp_id, qr_text, sealed_at) values (${stamp.shard}, ${stamp.id}, ${qrText}, ${sealedAt})
    on conflict (shard_id, stamp_id) do nothing`);
  return (await findSeal(db, stamp)) ?? qrText;
}
