/** What a department does at the switch: makes challans for its services, looks at them, takes unpaid ones back. */
import { createHash } from 'node:crypto';
import { businessDate, type BusinessDate, type Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/fault.ts';
import { shardOfPsid, type Psid } from '../../kernel/ids.ts';
import { parsePaisa } from '../../kernel/money.ts';
import {
  cancelChallan,
  createChallan,
  findByReference,
  findChallan,
  findCreatedChallan,
  findReceipt,
  findServiceChallan,
  isAccessToken,
  listDistricts,
  listServices,
  priceDemand,
  receiptNumber,
  type Challan,
  type ChallanDeps,
  type CreatedChallan,
  type Receipt,
  type Service,
  type ServiceRefusal,
} from '../../ledger/index.ts';

/** What a department asks for. */
export interface Demand {
  readonly service: string;
  /** The department's own name for the matter; it comes back in every event. */
  readonly reference: string;
  /** Paisa as text; where the catalogue has a fixed fee it may be left out. */
  readonly amount?: string | undefined;
  readonly district: string;
  readonly payer: {
    readonly name: string;
    readonly cnic?: string | undefined;
    readonly contact?: string | undefined;
    readonly email?: string | undefined;
    readonly address?: string | undefined;
  };
  readonly purpose?: string | undefined;
}

/** A challan as its department sees it. */
export interface DepartmentChallan {
  readonly psid: Psid;
  readonly challanNumber: string;
  readonly service: string;
  readonly reference: string;
  readonly state: 'payable' | 'paid' | 'expired' | 'cancelled';
  readonly amount: string;
  readonly payableUntil: BusinessDate;
  readonly fulfilment: 'receipt' | 'stamp' | 'webhook';
  readonly payment?: {
    readonly receiptNumber: string;
    readonly paidAt: string;
    readonly participant: string;
    readonly bankReference: string;
  };
}

export type DemandAnswer =
  (DepartmentChallan & { readonly ok: true; readonly accessToken: string }) | ServiceRefusal;

export interface DepartmentDesk {
  /** The services in force today. */
  services(): Promise<readonly Service[]>;
  /**
   * Makes a challan, or returns the one that the same key made before. Throws `conflict` when the key came with
   * other content, and `bad-input` for a district that is none.
   */
  demand(department: string, demand: Demand, idempotencyKey: string): Promise<DemandAnswer>;
  /** Undefined: the department has no such challan. */
  find(department: string, psid: Psid): Promise<DepartmentChallan | undefined>;
  findByReference(department: string, reference: string): Promise<readonly DepartmentChallan[]>;
  /** Takes an unpaid challan back. Undefined: no such challan. A Fault `conflict`: it is paid. */
  cancel(department: string, psid: Psid): Promise<DepartmentChallan | undefined>;
  /** For the payer: undefined when there is no such challan, the token does not open it, or it is not paid. */
  receipt(psid: Psid, accessToken: string): Promise<Receipt | undefined>;
}

export interface DeskDeps {
  readonly clock: Clock;
  readonly challans: ChallanDeps;
}

function present<Value extends object>(
  value: Value,
): { [Key in keyof Value]: Exclude<Value[Key], undefined> } {
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  // Only members that are there remain, and those that must be there were.
  return Object.fromEntries(entries) as { [Key in keyof Value]: Exclude<Value[Key], undefined> };
}

/** The same content gives the same hash, whatever the order of its members. */
function contentHash(department: string, demand: Demand): Buffer {
  const { payer, ...rest } = demand;
  const sorted = (value: object): [string, unknown][] =>
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([left], [right]) => (left < right ? -1 : 1));
  const content = JSON.stringify([department, sorted(rest), sorted(payer)]);
  return createHash('sha256').update(content).digest();
}

function stateOf(challan: Challan, today: BusinessDate): DepartmentChallan['state'] {
  return challan.state === 'payable' && challan.payableUntil < today ? 'expired' : challan.state;
}

/** Makes the desk over the register of challans. */
export function makeDepartmentDesk({ clock, challans }: DeskDeps): DepartmentDesk {
  const { database } = challans;
  const find = async (department: string, psid: Psid): Promise<DepartmentChallan | undefined> => {
    const service = await findServiceChallan(database, shardOfPsid(psid), psid);
    if (service?.departmentCode !== department) return undefined;
    const challan = await findChallan(database, psid);
    if (challan === undefined) return undefined;
    const { payment } = challan;
    return {
      psid,
      challanNumber: challan.challanNumber,
      service: service.serviceCode,
      reference: service.reference,
      state: stateOf(challan, businessDate(clock.now())),
      amount: challan.amount.toString(),
      payableUntil: challan.payableUntil,
      fulfilment: service.fulfilment,
      ...(payment === undefined
        ? {}
        : {
            payment: {
              receiptNumber: receiptNumber(payment.paymentId),
              paidAt: payment.paidAt.toISOString(),
              participant: payment.participant,
              bankReference: payment.reference,
            },
          }),
    };
  };
  const applicationOf = async (
    demand: Demand,
    title: string,
  ): Promise<Parameters<typeof createChallan>[0]['application']> => {
    const district = (await listDistricts(database)).find((each) => each.code === demand.district);
    if (district === undefined)
      throw new Fault('bad-input', 'The district is not one of the province; see /v1/districts.', {
        fields: { path: 'district' },
      });
    return {
      applicant: present(demand.payer),
      firstParties: [],
      secondParties: [],
      purpose: demand.purpose ?? demand.reference,
      districtCode: district.code,
      districtName: district.name,
      instrumentTitle: title,
    };
  };
  return {
    services: () => listServices(database, businessDate(clock.now())),
    find,
    async demand(department, demand, idempotencyKey) {
      const request = {
        // A department's keys are its own.
        idempotencyKey: `department/${department}/${idempotencyKey}`,
        contentHash: contentHash(department, demand),
      };
      const answer = async (created: CreatedChallan): Promise<DemandAnswer> => {
        const kept = await find(department, created.psid);
        if (kept === undefined)
          throw new Fault('internal', 'A challan that was just made cannot be read.');
        return { ...kept, ok: true, accessToken: created.accessToken };
      };
      // A repeat is answered as before, whatever the catalogue says by now.
      const before = await findCreatedChallan(request, challans);
      if (before !== undefined) return answer(before);
      const priced = await priceDemand(database, {
        department,
        service: demand.service,
        amount: demand.amount === undefined ? undefined : parsePaisa(demand.amount),
        day: businessDate(clock.now()),
      });
      if (!priced.ok) return priced;
      const { service, line } = priced;
      const created = await createChallan(
        {
          ...request,
          application: await applicationOf(demand, service.title),
          lines: [line],
          duty: { service: service.code, version: service.version, basis: service.fee.basis },
          service: { service, reference: demand.reference },
        },
        challans,
      );
      return answer(created);
    },
    async findByReference(department, reference) {
      const psids = await findByReference(database, challans.shard, department, reference);
      const found = await Promise.all(psids.map((psid) => find(department, psid)));
      return found.filter((each) => each !== undefined);
    },
    async cancel(department, psid) {
      if ((await find(department, psid)) === undefined) return undefined;
      await cancelChallan(database, shardOfPsid(psid), psid);
      const after = await find(department, psid);
      if (after?.state === 'paid')
        throw new Fault('conflict', 'The challan is paid; it cannot be taken back.');
      return after;
    },
    async receipt(psid, accessToken) {
      const found = await findReceipt(database, psid);
      return found !== undefined && isAccessToken(found.challan.secret, accessToken)
        ? found.receipt
        : undefined;
    },
  };
}
