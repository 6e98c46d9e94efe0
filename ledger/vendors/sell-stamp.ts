/**
 * The sale of a stamp of low denomination by a licensed vendor, from his float: the amount is held, the sale gets the
 * next serial of his book, and a payment that spends the hold issues the stamp at once. Whatever cuts the sale off, the
 * serial stays in the book, and the same request, or `settleSales`, ends it as it was going to end.
 */
import { createHash } from 'node:crypto';
import { businessDate } from '../../kernel/clock.ts';
import { isRetryable, sqlState } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Paisa } from '../../kernel/money.ts';
import { reserveHold, voidHold } from '../accounts/holds.ts';
import { createChallan, type ChallanDeps } from '../challans/create-challan.ts';
import { LOW_DENOMINATIONS } from './denominations.ts';
import {
  closeSale,
  findActiveVendor,
  findSale,
  insertSale,
  nextSerial,
  openSales,
  soldOn,
  type StampVendor,
  type VendorSale,
} from './vendor-store.ts';

const HOLD_MS = 3_600_000;
const ATTEMPTS = 5;

export interface SaleRequest {
  readonly licence: string;
  /** Makes the request itself: a repeat gets the same stamp. At most 80 characters. */
  readonly requestKey: string;
  readonly denomination: Paisa;
  readonly purchaser: { readonly name: string; readonly cnic?: string };
  readonly purpose: string;
  /** Article of Schedule I, and what the instrument is called. */
  readonly article: string;
  readonly instrument: string;
  /** Head of account of low denominations. */
  readonly headCode: string;
}

/** What the sale asks of the engine: a payment that spends a hold and issues the stamp. */
export interface SalePayment {
  readonly requestKey: string;
  readonly psid: string;
  readonly amount: Paisa;
  readonly reference: string;
  readonly hold: bigint;
}

export interface SaleDeps extends ChallanDeps {
  /** `unknown` when it cannot be said yet what became of it; the same payment may then be sent again. */
  pay(
    payment: SalePayment,
  ): Promise<
    | { readonly result: 'approved'; readonly stampId: string }
    | { readonly result: 'refused' | 'unknown' }
  >;
}

export type SaleRefusal =
  | 'vendor-unknown'
  | 'denomination-unknown'
  | 'insufficient-funds'
  | 'limit-exceeded'
  | 'payment-refused'
  /** Not decided yet: ask again with the same key. */
  | 'pending';

export type SaleAnswer =
  | { readonly ok: true; readonly serial: bigint; readonly stampId: string; readonly psid: string }
  | { readonly ok: false; readonly refusal: SaleRefusal };

const refused = (refusal: SaleRefusal): SaleAnswer => ({ ok: false, refusal });

function hashOf(request: SaleRequest): Buffer {
  const { denomination, ...rest } = request;
  const content = JSON.stringify([denomination.toString(), ...Object.entries(rest).sort().flat()]);
  return createHash('sha256').update(content).digest();
}

/** Sells a stamp. Throws Fault `conflict` when the key came before with another request. */
export async function sellStamp(request: SaleRequest, deps: SaleDeps): Promise<SaleAnswer> {
  const at = deps.clock.now();
  const vendor = await findActiveVendor(deps.database, request.licence, businessDate(at));
  if (vendor === undefined) return refused('vendor-unknown');
  if (!LOW_DENOMINATIONS.includes(request.denomination)) return refused('denomination-unknown');
  const hash = hashOf(request);
  const known = await findSale(deps.database, vendor, request.requestKey);
  if (known === undefined) {
    const begun = await beginSale(request, { vendor, hash, at }, deps);
    if (typeof begun === 'string') return refused(begun);
  } else if (!known.requestHash.equals(hash)) {
    throw new Fault('conflict', 'This key was used before for another sale; send a new one.');
  }
  const sale = known ?? (await findSale(deps.database, vendor, request.requestKey));
  if (sale === undefined) throw new Fault('internal', 'A sale that was just made cannot be read.');
  return settle(vendor, sale, deps);
}

interface Beginning {
  readonly vendor: StampVendor;
  readonly hash: Buffer;
  readonly at: Date;
}

async function makeChallan(
  request: SaleRequest,
  { vendor, hash }: Beginning,
  deps: SaleDeps,
): Promise<string> {
  const { purchaser, purpose, article, instrument, denomination, headCode } = request;
  const { psid } = await createChallan(
    {
      application: {
        applicant: purchaser,
        firstParties: [],
        secondParties: [],
        purpose,
        districtCode: vendor.districtCode,
        districtName: vendor.districtCode,
        instrumentTitle: instrument,
      },
      lines: [
        {
          headCode,
          description: instrument,
          amount: denomination,
          assumed: true,
          stamp: { kind: 'low-denomination', article, description: instrument },
        },
      ],
      duty: { vendor: vendor.licence, denomination: denomination.toString() },
      idempotencyKey: `vendor:${vendor.licence}:${request.requestKey}`,
      contentHash: hash,
    },
    deps,
  );
  return psid;
}

/** Holds the amount and writes the sale with its serial; a refusal leaves neither. */
async function beginSale(
  request: SaleRequest,
  beginning: Beginning,
  deps: SaleDeps,
): Promise<SaleRefusal | undefined> {
  const { vendor, hash, at } = beginning;
  const { database, ids } = deps;
  const psid = await makeChallan(request, beginning, deps);
  const { shard, licence, limitPerDay } = vendor;
  const hold = await reserveHold(database, {
    shard,
    holdId: ids.next(),
    at,
    owner: `vendor:${licence}`,
    requestKey: `sale:${request.requestKey}`,
    path: `vendor:${licence}:float`,
    amount: request.denomination,
    purpose: `stamp sold by ${licence}`,
    expiresAt: new Date(at.getTime() + HOLD_MS),
  });
  if (hold.result !== 'reserved')
    return hold.result === 'key-reused' ? 'pending' : 'insufficient-funds';
  const day = businessDate(at);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await database.transaction(async (tx) => {
        const serial = await nextSerial(tx, vendor);
        if (limitPerDay !== undefined) {
          const sold = await soldOn(tx, vendor, day);
          if (sold + request.denomination > limitPerDay) throw new LimitExceeded();
        }
        const { purchaser, purpose, article, denomination } = request;
        await insertSale(tx, vendor, {
          serial,
          requestKey: request.requestKey,
          requestHash: hash,
          soldOn: day,
          soldAt: at,
          purchaserName: purchaser.name,
          ...(purchaser.cnic === undefined ? {} : { purchaserCnic: purchaser.cnic }),
          purpose,
          article,
          denomination,
          psid,
          holdId: hold.holdId,
        });
        return undefined;
      });
      return;
    } catch (error) {
      if (error instanceof LimitExceeded) {
        await voidHold(database, shard, hold.holdId, at);
        return 'limit-exceeded';
      }
      // A twin of this request wrote the sale first: that one is settled.
      if (sqlState(error) === '23505') return undefined;
      if (!isRetryable(error) || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Undoes the serial together with the sale that may not be. */
class LimitExceeded extends Error {}

/** Pays for a sale that was begun, or says how it ended before. */
async function settle(vendor: StampVendor, sale: VendorSale, deps: SaleDeps): Promise<SaleAnswer> {
  const { serial, psid } = sale;
  if (sale.state === 'void') return refused('payment-refused');
  if (sale.stampId !== undefined) return { ok: true, serial, stampId: sale.stampId, psid };
  const paid = await deps.pay({
    requestKey: `vendor:${vendor.licence}:${serial.toString()}`,
    psid,
    amount: sale.denomination,
    reference: `${vendor.licence}/${serial.toString()}`,
    hold: sale.holdId,
  });
  if (paid.result === 'unknown') return refused('pending');
  const at = deps.clock.now();
  const stampId = paid.result === 'approved' ? paid.stampId : undefined;
  await closeSale(deps.database, vendor, { serial, stampId, at });
  if (stampId !== undefined) return { ok: true, serial, stampId, psid };
  await voidHold(deps.database, vendor.shard, sale.holdId, at);
  return refused('payment-refused');
}

/** Ends the sales of a vendor that were cut off; answers how many are still undecided. */
export async function settleSales(licence: string, deps: SaleDeps): Promise<number> {
  const vendor = await findActiveVendor(deps.database, licence, businessDate(deps.clock.now()));
  if (vendor === undefined) return 0;
  let undecided = 0;
  for (const sale of await openSales(deps.database, vendor)) {
    const answer = await settle(vendor, sale, deps);
    if (!answer.ok && answer.refusal === 'pending') undecided += 1;
  }
  return undecided;
}
