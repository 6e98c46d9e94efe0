/** Rows of the vendors' register. One function per statement. */
import type { BusinessDate } from '../../kernel/clock.ts';
import { sql, type Queryable } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import type { IdMaker } from '../../kernel/ids.ts';
import { paisa, type Paisa } from '../../kernel/money.ts';
import { floatAccount, openAccount } from '../accounts/account-store.ts';

export interface StampVendor {
  readonly shard: number;
  /** Number of the licence; names the vendor's float account as well. */
  readonly licence: string;
  readonly name: string;
  readonly districtCode: string;
  readonly place: string;
  readonly validFrom: BusinessDate;
  readonly validUntil: BusinessDate;
  /** Most that he may sell in a day; absent: no limit. */
  readonly limitPerDay?: Paisa;
}

/** Licenses a vendor and opens his float. A Fault `conflict` when the licence is known already. */
export async function registerVendor(
  tx: Queryable,
  vendor: StampVendor,
  deps: { readonly ids: IdMaker; readonly at: Date },
): Promise<void> {
  const { shard, licence, name, districtCode, place, validFrom, validUntil, limitPerDay } = vendor;
  const made = await tx.query(
    sql`insert into stamp_vendor (licence, shard_id, name, district_code, place, valid_from, valid_until, limit_per_day_paisa, created_at)
        values (${licence}, ${shard}, ${name}, ${districtCode}, ${place}, ${validFrom}, ${validUntil}, ${limitPerDay ?? null}, ${deps.at})
        on conflict (licence) do nothing returning 1`,
  );
  if (made.length === 0)
    throw new Fault('conflict', 'There is a vendor with this licence already.', {
      fields: { licence },
    });
  await tx.query(sql`insert into vendor_book (shard_id, licence) values (${shard}, ${licence})`);
  await openAccount(tx, floatAccount(shard, licence), deps.ids);
}

/** A vendor who may sell on a day; undefined for one that is unknown, suspended or out of his licence. */
export async function findActiveVendor(
  db: Queryable,
  licence: string,
  day: BusinessDate,
): Promise<StampVendor | undefined> {
  const [row] = await db.query<{
    shard_id: number;
    name: string;
    district_code: string;
    place: string;
    valid_from: BusinessDate;
    valid_until: BusinessDate;
    limit_per_day_paisa: bigint | null;
  }>(
    sql`select shard_id, name, district_code, place, valid_from, valid_until, limit_per_day_paisa from stamp_vendor
        where licence = ${licence} and active and ${day}::date between valid_from and valid_until`,
  );
  if (row === undefined) return undefined;
  return {
    shard: row.shard_id,
    licence,
    name: row.name,
    districtCode: row.district_code,
    place: row.place,
    validFrom: row.valid_from,
    validUntil: row.valid_until,
    ...(row.limit_per_day_paisa === null ? {} : { limitPerDay: paisa(row.limit_per_day_paisa) }),
  };
}

export interface VendorSale {
  readonly serial: bigint;
  readonly requestHash: Buffer;
  readonly soldOn: BusinessDate;
  readonly soldAt: Date;
  readonly purchaserName: string;
  readonly purchaserCnic?: string;
  readonly purpose: string;
  readonly article: string;
  readonly denomination: Paisa;
  readonly psid: string;
  readonly holdId: bigint;
  readonly state: 'reserved' | 'sold' | 'void';
  readonly stampId?: string;
}

type SaleRow = {
  serial: bigint;
  request_hash: Buffer;
  sold_on: BusinessDate;
  sold_at: Date;
  purchaser_name: string;
  purchaser_cnic: string | null;
  purpose: string;
  article: string;
  denomination_paisa: bigint;
  psid: string;
  hold_id: bigint;
  state: VendorSale['state'];
  stamp_id: string | null;
};

function saleOf(row: SaleRow): VendorSale {
  return {
    serial: row.serial,
    requestHash: row.request_hash,
    soldOn: row.sold_on,
    soldAt: row.sold_at,
    purchaserName: row.purchaser_name,
    ...(row.purchaser_cnic === null ? {} : { purchaserCnic: row.purchaser_cnic }),
    purpose: row.purpose,
    article: row.article,
    denomination: paisa(row.denomination_paisa),
    psid: row.psid,
    holdId: row.hold_id,
    state: row.state,
    ...(row.stamp_id === null ? {} : { stampId: row.stamp_id }),
  };
}

interface BookKey {
  readonly shard: number;
  readonly licence: string;
}

/** The sale that an earlier request with this key made. */
export async function findSale(
  db: Queryable,
  { shard, licence }: BookKey,
  requestKey: string,
): Promise<VendorSale | undefined> {
  const [row] = await db.query<SaleRow>(
    sql`select * from vendor_sale where shard_id = ${shard} and licence = ${licence} and request_key = ${requestKey}`,
  );
  return row === undefined ? undefined : saleOf(row);
}

/** Locks the vendor's book and takes the next serial: his sales follow each other. */
export async function nextSerial(tx: Queryable, { shard, licence }: BookKey): Promise<bigint> {
  const [row] = await tx.query<{ last_serial: bigint }>(
    sql`update vendor_book set last_serial = last_serial + 1 where shard_id = ${shard} and licence = ${licence} returning last_serial`,
  );
  if (row === undefined) throw new Fault('internal', 'A licensed vendor has no book.');
  return row.last_serial;
}

/** What a vendor sold on a day and has under way. */
export async function soldOn(
  tx: Queryable,
  { shard, licence }: BookKey,
  day: BusinessDate,
): Promise<bigint> {
  const [row] = await tx.query<{ total: bigint }>(
    sql`select coalesce(sum(denomination_paisa), 0)::bigint as total from vendor_sale
        where shard_id = ${shard} and licence = ${licence} and sold_on = ${day} and state <> 'void'`,
  );
  return row?.total ?? 0n;
}

/** Writes a sale that is paid for next. */
export async function insertSale(
  tx: Queryable,
  { shard, licence }: BookKey,
  sale: Omit<VendorSale, 'state' | 'stampId'> & { readonly requestKey: string },
): Promise<void> {
  await tx.query(
    sql`insert into vendor_sale (shard_id, licence, serial, request_key, request_hash, sold_on, sold_at, purchaser_name, purchaser_cnic, purpose, article,
          denomination_paisa, psid, hold_id)
        values (${shard}, ${licence}, ${sale.serial}, ${sale.requestKey}, ${sale.requestHash}, ${sale.soldOn}, ${sale.soldAt}, ${sale.purchaserName},
          ${sale.purchaserCnic ?? null}, ${sale.purpose}, ${sale.article}, ${sale.denomination}, ${sale.psid}, ${sale.holdId})`,
  );
}

/** Closes a sale: sold with its stamp, or void. A sale that is closed already stays as it is. */
export async function closeSale(
  db: Queryable,
  { shard, licence }: BookKey,
  close: { readonly serial: bigint; readonly stampId: string | undefined; readonly at: Date },
): Promise<void> {
  await db.query(
    sql`update vendor_sale set state = ${close.stampId === undefined ? 'void' : 'sold'}, stamp_id = ${close.stampId ?? null}, settled_at = ${close.at}
        where shard_id = ${shard} and licence = ${licence} and serial = ${close.serial} and state = 'reserved'`,
  );
}

/** Sales that were cut off between the reservation and the answer, the oldest first, at most a thousand. */
export async function openSales(db: Queryable, { shard, licence }: BookKey): Promise<VendorSale[]> {
  const rows = await db.query<SaleRow>(
    sql`select * from vendor_sale where shard_id = ${shard} and licence = ${licence} and state = 'reserved' order by serial limit 1000`,
  );
  return rows.map(saleOf);
}

export interface DailyRegister {
  readonly sales: readonly VendorSale[];
  readonly count: number;
  readonly total: Paisa;
}

/** A vendor's register of a day (Punjab Stamp Rules 1934): every serial in order, and the total of what was sold. */
export async function dailyRegister(
  db: Queryable,
  { shard, licence }: BookKey,
  day: BusinessDate,
): Promise<DailyRegister> {
  const rows = await db.query<SaleRow>(
    sql`select * from vendor_sale where shard_id = ${shard} and licence = ${licence} and sold_on = ${day} order by serial`,
  );
  const sales = rows.map(saleOf);
  const sold = sales.filter(({ state }) => state === 'sold');
  return {
    sales,
    count: sold.length,
    total: paisa(sold.reduce((sum, { denomination }) => sum + denomination, 0n)),
  };
}
