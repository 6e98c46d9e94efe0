/**
 * Challans in bulk: the rows that `createChallan` would write, with the duty calculation, the facts and the
 * commitment of each, but a thousand to a statement. The invariants compare them with everything else, and
 * the audit recomputes the facts of each.
 */
import { randomBytes } from 'node:crypto';
import { businessDate, systemClock, systemTimers, type Clock } from '../../kernel/clock.ts';
import { prepared, sql, sqlState, type Database } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import { newPsid, secureRandom, type IdMaker, type Psid, type Random } from '../../kernel/ids.ts';
import { sumPaisa, type Paisa } from '../../kernel/money.ts';
import {
  assessDuty,
  createChallan,
  dutyChallanLines,
  dutyInputSchema,
  dutyResultToJson,
  factsRoot,
  stampFacts,
  type ChallanLineDraft,
  type StampApplication,
} from '../../ledger/index.ts';
import { SHARD } from './books.ts';

/** A challan to pay. */
export interface Payable {
  readonly psid: Psid;
  readonly amount: Paisa;
}

interface Kind {
  readonly application: StampApplication;
  readonly lines: readonly ChallanLineDraft[];
  readonly accountIds: readonly bigint[];
  readonly amount: Paisa;
  readonly applicationJson: string;
  readonly dutyJson: string;
}

const SELLER = {
  name: 'Muhammad Akram',
  relation: 'S/o Muhammad Aslam',
  cnic: '35202-1234567-1',
  contact: '03001234567',
  address: '12-B Gulberg III, Lahore',
};
const BUYER = {
  name: 'Ayesha Khan',
  relation: 'D/o Imran Khan',
  cnic: '35201-7654321-2',
  contact: '03217654321',
  address: '7 Ferozepur Road, Lahore',
};

/** An affidavit has one line, a conveyance has the stamp and the levies that go with it. */
const INSTRUMENTS = [
  {
    share: 3,
    duty: { instrument: 'affidavit' },
    application: {
      applicant: SELLER,
      firstParties: [SELLER],
      secondParties: [],
      purpose: 'Affidavit for a domicile certificate',
    },
  },
  {
    share: 1,
    duty: {
      instrument: 'conveyance',
      declaredValue: '450000000',
      property: {
        district: 'LHR',
        tehsil: 'LHR-MODEL-TOWN',
        locality: 'gulberg-iii',
        landClass: 'residential',
        area: { value: '10', unit: 'marla' },
        coveredArea: '1800',
      },
      seller: 'filer',
      purchaser: 'filer',
    },
    application: {
      applicant: BUYER,
      firstParties: [SELLER],
      secondParties: [BUYER],
      purpose: 'Sale of a house',
      propertyText: '10 marla residential, Gulberg III, Model Town, Lahore',
      tehsilName: 'Model Town',
    },
  },
] as const;

const BILLER = '101';
const CHALLAN_DAYS = 15;
const BATCH = 1_000;
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Random digits by the block: a PSID's eleven digits one by one from the system cost more than its row. */
const blockRandom: Random = {
  bytes: (count) => secureRandom.bytes(count),
  digits(count) {
    const value = randomBytes(8).readBigUInt64BE() % 10n ** BigInt(count);
    return value.toString().padStart(count, '0');
  },
};

export interface ChallanMaker {
  /** Makes `count` challans (three affidavits to one conveyance) and calls `take` with each batch as it is committed. */
  make(count: number, take: (batch: readonly Payable[]) => void): Promise<void>;
  /** Lines on a challan on average. */
  readonly linesMean: number;
}

/** Calculates the duty of each kind once and makes one challan of each the ordinary way, which opens the treasury's accounts. */
export async function makeChallanMaker(options: {
  readonly database: Database;
  /** Dates the challans; the duty is calculated by today's schedules. */
  readonly clock: Clock;
  readonly ids: IdMaker;
}): Promise<ChallanMaker> {
  const { database, clock, ids } = options;
  const today = systemClock;
  const kinds: Kind[] = [];
  for (const { share, duty, application } of INSTRUMENTS) {
    const assessed = await assessDuty(database, dutyInputSchema.parse(duty), today);
    if (!assessed.ok)
      throw new Fault('internal', 'The duty of a benchmark challan cannot be calculated.', {
        fields: { instrument: duty.instrument },
      });
    const lines = dutyChallanLines(assessed);
    const whole: StampApplication = {
      ...application,
      districtCode: 'LHR',
      districtName: 'Lahore',
      instrumentTitle: lines[0]?.description ?? '',
    };
    const dutyResult = dutyResultToJson(assessed);
    const { psid } = await createChallan(
      {
        application: whole,
        lines,
        duty: dutyResult,
        idempotencyKey: `bench-${duty.instrument}-${randomBytes(8).toString('hex')}`,
        contentHash: randomBytes(32),
      },
      {
        database,
        clock: today,
        random: secureRandom,
        ids,
        shard: SHARD,
        challanDays: CHALLAN_DAYS,
      },
    );
    const accounts = await database.query<{ account_id: bigint }>(
      sql`select account_id from challan_line where shard_id = ${SHARD} and psid = ${psid} order by line_no`,
    );
    const kind: Kind = {
      application: whole,
      lines,
      accountIds: accounts.map((row) => row.account_id),
      amount: sumPaisa(lines.map((line) => line.amount)),
      applicationJson: JSON.stringify(whole),
      dutyJson: JSON.stringify(dutyResult),
    };
    kinds.push(...Array.from({ length: share }, () => kind));
  }
  let analyzeAt = BATCH;
  let madeInAll = 0;
  const lineCount = kinds.reduce((sum, kind) => sum + kind.lines.length, 0);
  return {
    linesMean: lineCount / kinds.length,
    async make(count, take) {
      let writing: Promise<void> = Promise.resolve();
      for (let made = 0; made < count; made += BATCH) {
        if (madeInAll >= analyzeAt) {
          // A foreign key's check is planned once; planned over an empty table it would read all of it for ever.
          await writing;
          await database.script('analyze challan, challan_line');
          analyzeAt *= 8;
        }
        madeInAll += Math.min(BATCH, count - made);
        const again = (): Promise<Batch> =>
          draw(kinds, made, Math.min(BATCH, count - made), clock.now());
        const batch = await again();
        // The next batch is drawn while the server writes this one.
        await writing;
        writing = insertNew(database, batch, again).then(({ challans }) => {
          take(challans.map(({ psid, kind }) => ({ psid, amount: kind.amount })));
        });
        // What fails while the next batch is drawn is told when it is awaited below.
        writing.catch(() => undefined);
      }
      await writing;
    },
  };
}

interface Drawn {
  readonly kind: Kind;
  readonly psid: Psid;
  readonly challanNumber: string;
  readonly secret: Buffer;
  readonly roots: readonly (Buffer | null)[];
}

interface Batch {
  readonly createdAt: Date;
  readonly payableUntil: string;
  readonly challans: readonly Drawn[];
}

/** Draws a batch; the event loop gets its turn between, so that the statements of the batch before it go on. */
async function draw(
  kinds: readonly Kind[],
  from: number,
  count: number,
  createdAt: Date,
): Promise<Batch> {
  const today = businessDate(createdAt).slice(2).replaceAll('-', '');
  const drawOne = (index: number): Drawn => {
    const kind = kinds[index % kinds.length];
    if (kind === undefined) throw new Fault('internal', 'There is no kind of challan to make.');
    const psid = newPsid(BILLER, SHARD, blockRandom);
    const letters = [...randomBytes(8)].map((byte) => CROCKFORD[byte & 31] ?? '0').join('');
    const challanNumber = `32A-${today}-${letters}`;
    const secret = randomBytes(32);
    const roots = kind.lines.map((line, lineIndex) =>
      line.stamp === undefined
        ? null
        : factsRoot(
            secret,
            stampFacts(kind.application, {
              psid,
              challanNumber,
              lineNo: lineIndex + 1,
              ...line.stamp,
              amountPaisa: line.amount,
            }),
          ),
    );
    return { kind, psid, challanNumber, secret, roots };
  };
  const challans: Drawn[] = [];
  for (let index = 0; index < count; index += 1) {
    if (index % 50 === 0) await systemTimers.turn();
    challans.push(drawOne(from + index));
  }
  return {
    createdAt,
    payableUntil: businessDate(new Date(createdAt.getTime() + CHALLAN_DAYS * 86_400_000)),
    challans,
  };
}

/** Inserts a batch; one in which a random number was taken already is drawn anew, as `createChallan` does. */
async function insertNew(
  database: Database,
  batch: Batch,
  again: () => Promise<Batch>,
): Promise<Batch> {
  for (;;) {
    try {
      await insert(database, batch);
      return batch;
    } catch (error) {
      if (sqlState(error) !== '23505') throw error;
      batch = await again();
    }
  }
}

async function insert(database: Database, batch: Batch): Promise<void> {
  const { challans, createdAt, payableUntil } = batch;
  const column = <T>(pick: (challan: Drawn) => T): T[] => challans.map(pick);
  // The long texts travel once for each kind of challan and not once for each challan.
  const kinds = [...new Set(challans.map((each) => each.kind))];
  const lines = challans.flatMap(({ psid, kind, roots }) =>
    kind.lines.map((line, index) => ({
      psid,
      line,
      lineNo: index + 1,
      accountId: kind.accountIds[index] ?? 0n,
      root: roots[index] ?? null,
    })),
  );
  const field = <T>(pick: (line: (typeof lines)[number]) => T): T[] => lines.map(pick);
  await database.transaction(async (tx) => {
    await tx.query(
      prepared(
        'bench_challans',
        sql`insert into challan (shard_id, psid, challan_number, kind, amount_paisa, payable_until, payer_name, district_code,
              application, duty, facts_secret, idempotency_key, application_hash, created_at)
            select ${SHARD}, c.psid, c.number, 'e-stamp', k.amount, ${payableUntil}::date, k.payer, k.district, k.application::jsonb, k.duty::jsonb,
              c.secret, c.number, sha256(c.secret), ${createdAt}::timestamptz
            from unnest(${column((each) => each.psid)}::text[], ${column((each) => each.challanNumber)}::text[], ${column((each) => each.secret)}::bytea[],
              ${column((each) => kinds.indexOf(each.kind) + 1)}::integer[]) as c (psid, number, secret, kind)
            join unnest(${kinds.map((each) => each.amount)}::bigint[], ${kinds.map((each) => each.application.applicant.name)}::text[],
              ${kinds.map((each) => each.application.districtCode)}::text[], ${kinds.map((each) => each.applicationJson)}::text[],
              ${kinds.map((each) => each.dutyJson)}::text[]) with ordinality as k (amount, payer, district, application, duty, kind) using (kind)`,
      ),
    );
    await tx.query(
      prepared(
        'bench_challan_lines',
        sql`insert into challan_line (shard_id, psid, line_no, head_code, account_id, description, amount_paisa, assumed,
              stamp_kind, article, stamp_description, facts_root)
            select ${SHARD}, l.* from unnest(${field((each) => each.psid)}::text[], ${field((each) => each.lineNo)}::smallint[],
              ${field((each) => each.line.headCode)}::text[], ${field((each) => each.accountId)}::bigint[], ${field((each) => each.line.description)}::text[],
              ${field((each) => each.line.amount)}::bigint[], ${field((each) => each.line.assumed)}::boolean[], ${field((each) => each.line.stamp?.kind ?? null)}::text[],
              ${field((each) => each.line.stamp?.article ?? null)}::text[], ${field((each) => each.line.stamp?.description ?? null)}::text[],
              ${field((each) => each.root)}::bytea[]) as l`,
      ),
    );
  });
}
