/** Implements what the HTTP API asks of the product, by wiring ledger, certificates, log and verification. */
import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { businessDate, type Clock } from '../kernel/clock.ts';
import { sql, type Database } from '../kernel/database.ts';
import { Fault } from '../kernel/fault.ts';
import {
  assessDuty,
  DutyBooks,
  createChallan,
  dutyChallanLines,
  dutyInputSchema,
  dutyResultToJson,
  findChallan,
  findStamp,
  isAccessToken,
  listDistricts,
  listInstruments,
  listLocalities,
  listTehsils,
  stampsOfChallan,
  type Challan,
  type ChallanDeps,
  type Stamp,
  type StampApplication,
} from '../ledger/index.ts';
import type {
  AnchorChain,
  AnchoringWorker,
  CertificateOffice,
  ChainListener,
} from '../reconciliation/index.ts';
import { verifyFile, type StampStatus, type TrustList } from '../stamp-renderer/index.ts';
import type {
  ApiServices,
  JsonValue,
  PartyRequest,
  StampApplicationRequest,
} from '../switch/index.ts';

export interface ServiceDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly challans: ChallanDeps;
  readonly office: CertificateOffice;
  readonly chain: AnchorChain;
  /** Absent when another process anchors. */
  readonly worker?: AnchoringWorker;
  /** Absent where the chain does not speak by itself. */
  readonly listener?: ChainListener | undefined;
  readonly trustList: TrustList;
  /** True while this process may post payments. */
  readonly leads: () => boolean;
}

/** Plain JSON of a value whose members are strings, numbers, dates or nested: what `JSON.stringify` would say. */
function toJson(value: unknown): JsonValue {
  // A value that went through JSON is JSON.
  return JSON.parse(JSON.stringify(value)) as JsonValue;
}

/** JSON with the members of every object in order of their names: the same content gives the same text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(
          Object.entries(member).sort(([left], [right]) => (left < right ? -1 : 1)),
        )
      : member,
  );
}

const DUTY_FIELDS = [
  'instrument',
  'date',
  'declaredValue',
  'property',
  'seller',
  'purchaser',
] as const;

/** The duty part of a request, strictly parsed; a Fault `bad-input` names what is wrong. */
export function parseDutyInput(request: unknown): z.infer<typeof dutyInputSchema> {
  const parsed = dutyInputSchema.safeParse(request);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Fault('bad-input', 'The input of the duty calculation is wrong.', {
    fields: { path: issue?.path.join('.') ?? '', reason: issue?.message ?? '' },
  });
}

function dutyPart(request: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    DUTY_FIELDS.filter((name) => request[name] !== undefined).map((name) => [name, request[name]]),
  );
}

function party(request: PartyRequest): StampApplication['applicant'] {
  const { name, relation, cnic, contact, address } = request;
  return {
    name,
    ...(relation === undefined ? {} : { relation }),
    ...(cnic === undefined ? {} : { cnic }),
    ...(contact === undefined ? {} : { contact }),
    ...(address === undefined ? {} : { address }),
  };
}

async function describeProperty(
  deps: ServiceDeps,
  request: StampApplicationRequest,
  tehsilName: string | undefined,
  districtName: string,
): Promise<string | undefined> {
  const { property } = request;
  if (property === undefined) return undefined;
  const localities = await listLocalities(
    deps.database,
    property,
    request.date ?? businessDate(deps.clock.now()),
  );
  const locality =
    localities?.find((each) => each.code === property.locality)?.name ?? property.locality;
  const area = `${property.area.value} ${property.area.unit}`;
  const covered =
    typeof property.coveredArea === 'string' ? `, covered area ${property.coveredArea} sq ft` : '';
  return `${area} ${property.landClass}${covered}, ${locality}, ${tehsilName ?? property.tehsil}, ${districtName}`;
}

async function stampApplication(
  deps: ServiceDeps,
  request: StampApplicationRequest,
  instrumentTitle: string,
): Promise<StampApplication> {
  const district = (await listDistricts(deps.database)).find(
    (each) => each.code === request.district,
  );
  if (district === undefined) {
    throw new Fault('bad-input', 'The district is not one of the province; see /v1/districts.', {
      fields: { path: 'district' },
    });
  }
  const tehsilCode = request.property?.tehsil ?? request.tehsil;
  const tehsilName = (await listTehsils(deps.database, district.code))?.find(
    (each) => each.code === tehsilCode,
  )?.name;
  const propertyText = await describeProperty(deps, request, tehsilName, district.name);
  return {
    applicant: party(request.applicant),
    ...(request.agent === undefined ? {} : { agent: party(request.agent) }),
    firstParties: request.firstParties.map(party),
    secondParties: request.secondParties.map(party),
    purpose: request.purpose,
    ...(propertyText === undefined ? {} : { propertyText }),
    ...(tehsilName === undefined ? {} : { tehsilName }),
    districtCode: district.code,
    districtName: district.name,
    instrumentTitle,
  };
}

function challanState(
  challan: Challan,
  clock: Clock,
): 'payable' | 'paid' | 'expired' | 'cancelled' {
  return challan.state === 'payable' && challan.payableUntil < businessDate(clock.now())
    ? 'expired'
    : challan.state;
}

/** Looks a stamp's state up for a verifier. */
export function statusLookup(
  deps: Pick<ServiceDeps, 'database' | 'clock' | 'office'>,
): (id: string) => Promise<StampStatus | undefined> {
  return async (id) => {
    const stamp = await findStamp(deps.database, id);
    if (stamp === undefined) return undefined;
    const inclusion = await deps.office.proof(stamp);
    return {
      state: stamp.state,
      asOf: deps.clock.now(),
      recordRoot: stamp.recordRoot.toString('hex'),
      issuedAt: stamp.issuedAt.getTime(),
      ...(stamp.stateChangedAt === undefined ? {} : { stateChangedAt: stamp.stateChangedAt }),
      ...(stamp.usedFor === undefined ? {} : { usedFor: stamp.usedFor }),
      ...(inclusion === undefined ? {} : { inclusion }),
    };
  };
}

type Documents = Pick<
  ApiServices,
  'applyForStamp' | 'calculateDuty' | 'findChallan' | 'challanPdf' | 'stampPdf' | 'stampsOfChallan'
>;

function documentServices(deps: ServiceDeps): Documents {
  const { database, clock, office } = deps;
  const dutyBooks = new DutyBooks(database);
  const opened = async (psid: string, token: string): Promise<Challan | undefined> => {
    const challan = await findChallan(database, psid);
    return challan !== undefined && isAccessToken(challan.secret, token) ? challan : undefined;
  };
  return {
    async applyForStamp(request, idempotencyKey) {
      const duty = await assessDuty(dutyBooks, parseDutyInput(dutyPart({ ...request })), clock);
      if (!duty.ok) return duty;
      const lines = dutyChallanLines(duty);
      const application = await stampApplication(deps, request, lines[0]?.description ?? '');
      const created = await createChallan(
        {
          application,
          lines,
          duty: dutyResultToJson(duty),
          idempotencyKey,
          contentHash: createHash('sha256').update(canonical(request)).digest(),
        },
        deps.challans,
      );
      // A repeat is answered from what was kept, whatever the tables say by now.
      const kept = await findChallan(database, created.psid);
      if (kept === undefined)
        throw new Fault('internal', 'A challan that was just made cannot be read.');
      const { psid, challanNumber, payableUntil, accessToken } = created;
      return {
        ok: true,
        psid,
        challanNumber,
        payableUntil,
        accessToken,
        amount: kept.amount.toString(),
        lines: kept.lines.map(({ headCode, headTitle, description, amount, assumed }) => ({
          headCode,
          headTitle,
          description,
          amount: amount.toString(),
          assumed,
        })),
        duty: toJson(kept.duty),
      };
    },
    async calculateDuty(request) {
      const duty = await assessDuty(dutyBooks, parseDutyInput(dutyPart({ ...request })), clock);
      return duty.ok ? { ...dutyResultToJson(duty), ok: true } : duty;
    },
    async findChallan(psid) {
      const challan = await findChallan(database, psid);
      if (challan === undefined) return undefined;
      return {
        psid: challan.psid,
        state: challanState(challan, clock),
        amount: challan.amount.toString(),
        payableUntil: challan.payableUntil,
        ...(challan.payment === undefined ? {} : { paidOn: businessDate(challan.payment.paidAt) }),
      };
    },
    async challanPdf(psid, token) {
      const challan = await opened(psid, token);
      return challan === undefined ? undefined : office.challanPdf(challan);
    },
    async stampPdf(id, token) {
      const stamp = await findStamp(database, id);
      return stamp !== undefined && isAccessToken(stamp.secret, token)
        ? office.stampPdf(stamp)
        : undefined;
    },
    async stampsOfChallan(psid, token) {
      if ((await opened(psid, token)) === undefined) return undefined;
      const stamps = await Promise.all(
        (await stampsOfChallan(database, psid)).map((id) => findStamp(database, id)),
      );
      return stamps
        .filter((stamp): stamp is Stamp => stamp !== undefined)
        .map(({ id, kind, state, amount, issuedAt }) => ({
          id,
          kind,
          state,
          amount: amount.toString(),
          issuedAt: issuedAt.toISOString(),
        }));
    },
  };
}

/** False when anchoring has stopped for a person: chain and database do not tell the same story. */
function isAnchoring({ worker, listener }: ServiceDeps): boolean {
  return worker?.halted() === undefined && listener?.stranger() === undefined;
}

/** Makes the services of the HTTP API. */
export function makeServices(deps: ServiceDeps): ApiServices {
  const { database, clock, office, chain, worker } = deps;
  const status = statusLookup(deps);
  return {
    ...documentServices(deps),
    async ready() {
      const answered = await database.query(sql`select 1`).then(
        () => true,
        () => false,
      );
      const checks = [
        { name: 'database', ok: answered },
        { name: 'lane', ok: deps.leads() },
        // A worker of another process answers for itself.
        ...(worker === undefined ? [] : [{ name: 'anchoring', ok: isAnchoring(deps) }]),
      ];
      return { ready: checks.every((check) => check.ok), checks };
    },
    async stampStatus(id) {
      const stamp = await findStamp(database, id);
      const known = await status(id);
      if (stamp === undefined || known === undefined) return undefined;
      const { inclusion, stateChangedAt, usedFor } = known;
      return {
        id: stamp.id,
        kind: stamp.kind,
        state: stamp.state,
        issuedAt: stamp.issuedAt.toISOString(),
        asOf: known.asOf.toISOString(),
        ...(stateChangedAt === undefined ? {} : { stateChangedAt: stateChangedAt.toISOString() }),
        ...(usedFor === undefined ? {} : { usedFor }),
        recordRoot: known.recordRoot,
        ...(inclusion === undefined ? {} : { inclusion: toJson(inclusion) }),
      };
    },
    async stampProof(id) {
      const stamp = await findStamp(database, id);
      const proof = stamp === undefined ? undefined : await office.proof(stamp);
      return proof === undefined ? undefined : toJson(proof);
    },
    trustList: () => Promise.resolve(toJson(deps.trustList)),
    checkpoint: () => chain.checkpoint(),
    async verify({ bytes }) {
      return toJson(
        await verifyFile(bytes, { trustList: deps.trustList, status, now: clock.now() }),
      );
    },
    districts: () => listDistricts(database),
    tehsils: (district) => listTehsils(database, district),
    localities: (district, tehsil) =>
      listLocalities(database, { district, tehsil }, businessDate(clock.now())),
    instruments: () => listInstruments(database, businessDate(clock.now())),
  };
}
