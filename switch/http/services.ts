/**
 * The port of the HTTP API: what its routes ask of the product. `bin` implements it by wiring the ledger, the
 * engine and the renderer. Everything is plain JSON or bytes; money is a string of paisa, instants are ISO 8601
 * in UTC, days are `YYYY-MM-DD`.
 *
 * Kinds of answer: `undefined` is "there is none, or this token does not open it" (the route answers 404 in
 * both cases); a Fault becomes a problem document by its code (`problem.ts`).
 */
import type { AreaUnit } from '../../kernel/area.ts';
import type { BusinessDate } from '../../kernel/clock.ts';

import type { Psid, StampId } from '../../kernel/ids.ts';
import type { StampKind, StampState } from '../../kernel/stamp.ts';

/** What JSON can say. Amounts never are JSON numbers. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/** A number with its unit: `{"value": "5.5", "unit": "marla"}`. */
export interface AreaRequest {
  readonly value: string;
  readonly unit: AreaUnit;
}

/** Covered area: square feet as text, one area, or one per storey. */
export type CoveredAreaRequest =
  string | AreaRequest | readonly (AreaRequest & { readonly storey: string })[];

export interface PropertyRequest {
  readonly district: string;
  readonly tehsil: string;
  readonly locality: string;
  /** `urban` or `rural`; asked for only where the district has no valuation table. */
  readonly setting?: string | undefined;
  readonly landClass: string;
  readonly area: AreaRequest;
  readonly coveredArea?: CoveredAreaRequest | undefined;
}

/** The JSON form of the duty room's input; the room itself judges the codes in it. */
export interface DutyRequest {
  /** Code of the instrument, as `/v1/instruments` lists it. */
  readonly instrument: string;
  /** Declared consideration in paisa. */
  readonly declaredValue?: string | undefined;
  readonly property?: PropertyRequest | undefined;
  /** Date of execution; today when absent. */
  readonly date?: BusinessDate | undefined;
  /** Standing of the parties for the federal advance tax. */
  readonly seller?: string | undefined;
  readonly purchaser?: string | undefined;
}

/** Why a duty cannot be calculated; answered as a problem with status 422 and code `duty-refused`. */
export interface DutyRefusalAnswer {
  readonly ok: false;
  /** Stable: `unknown-locality`. */
  readonly code: string;
  /** The part of the request that is refused: `property.locality`. */
  readonly path: string;
  readonly message: string;
}

/** The calculation as JSON. */
export interface DutyAnswer {
  readonly ok: true;
  readonly [key: string]: JsonValue;
}

/** A person or company, in canonical form: NFC, CNIC as 5-7-1, mobile as 03XXXXXXXXX. */
export interface PartyRequest {
  readonly name: string;
  readonly relation?: string | undefined;
  readonly cnic?: string | undefined;
  readonly contact?: string | undefined;
  readonly address?: string | undefined;
}

/** The applicant is a person with all four. */
export interface ApplicantRequest extends PartyRequest {
  readonly cnic: string;
  readonly contact: string;
  readonly address: string;
}

export interface StampApplicationRequest extends DutyRequest {
  /** Where the stamp is bought; always present: that of the property when there is one. */
  readonly district: string;
  readonly tehsil?: string | undefined;
  readonly applicant: ApplicantRequest;
  readonly agent?: PartyRequest | undefined;
  readonly firstParties: readonly PartyRequest[];
  readonly secondParties: readonly PartyRequest[];
  readonly purpose: string;
}

export interface ChallanLineAnswer {
  readonly headCode: string;
  readonly headTitle: string;
  readonly description: string;
  readonly amount: string;
  /** True when the rate or the head of account is an assumption. */
  readonly assumed: boolean;
}

export interface StampApplicationAnswer {
  readonly ok: true;
  readonly psid: Psid;
  readonly challanNumber: string;
  readonly amount: string;
  readonly payableUntil: BusinessDate;
  readonly lines: readonly ChallanLineAnswer[];
  /** The calculation with every step and the versions of the tables it used. */
  readonly duty: JsonValue;
  /** Opens the documents with personal data; shown here and never again to anybody else. */
  readonly accessToken: string;
}

/** A challan without personal data. */
export interface ChallanAnswer {
  readonly psid: Psid;
  readonly state: 'payable' | 'paid' | 'expired' | 'cancelled';
  readonly amount: string;
  readonly payableUntil: BusinessDate;
  readonly paidOn?: BusinessDate | undefined;
}

/** One stamp of a challan, for its applicant. */
export interface StampSummaryAnswer {
  readonly id: StampId;
  readonly kind: StampKind;
  readonly state: StampState;
  readonly amount: string;
  readonly issuedAt: string;
}

/** What anybody may know of a stamp whose id he holds: no names, no amounts. */
export interface StampStatusAnswer {
  readonly id: StampId;
  readonly kind: StampKind;
  readonly state: StampState;
  readonly issuedAt: string;
  /** The instant for which this is true. */
  readonly asOf: string;
  /** When the stamp was used, spoiled, refunded or cancelled; present once it was. */
  readonly stateChangedAt?: string | undefined;
  /** The deed that it was used for, so that a photocopy of it is known for what it is. */
  readonly usedFor?: string | undefined;
  /** Commitment of the stamp's record. */
  readonly recordRoot: string;
  /** Present once the stamp is in the public log. */
  readonly inclusion?: JsonValue | undefined;
}

export interface PlaceAnswer {
  readonly code: string;
  readonly name: string;
}

export interface DistrictAnswer extends PlaceAnswer {
  readonly division: string;
}

export interface LocalityAnswer extends PlaceAnswer {
  readonly setting: 'urban' | 'rural';
  /** Land classes for which the DC table has a rate here. */
  readonly landClasses: readonly string[];
}

export interface InstrumentAnswer {
  readonly code: string;
  readonly article: string;
  readonly title: string;
  /** True when it needs a property. */
  readonly needsProperty: boolean;
  /** True when the amount in the deed must be stated. */
  readonly needsDeclaredValue: boolean;
  /** True when a rate of it is an assumption. */
  readonly assumed: boolean;
}

export interface ReadinessAnswer {
  readonly ready: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean }[];
}

/** A file to verify, as it was sent. */
export interface VerificationRequest {
  readonly mediaType: 'application/pdf' | 'image/png' | 'application/json';
  readonly bytes: Uint8Array;
}

export interface ApiServices {
  ready(): Promise<ReadinessAnswer>;

  /**
   * Creates the challan; the same key with the same content returns the same answer. Throws Fault `conflict`
   * when the key came with other content, and `bad-input` (with `fields.path`) for a value it cannot take.
   */
  applyForStamp(
    request: StampApplicationRequest,
    idempotencyKey: string,
  ): Promise<StampApplicationAnswer | DutyRefusalAnswer>;
  calculateDuty(request: DutyRequest): Promise<DutyAnswer | DutyRefusalAnswer>;

  findChallan(psid: Psid): Promise<ChallanAnswer | undefined>;
  /** The three with a token compare it in constant time and answer undefined for a wrong one. */
  challanPdf(psid: Psid, accessToken: string): Promise<Uint8Array | undefined>;
  stampsOfChallan(
    psid: Psid,
    accessToken: string,
  ): Promise<readonly StampSummaryAnswer[] | undefined>;
  stampPdf(id: StampId, accessToken: string): Promise<Uint8Array | undefined>;

  stampStatus(id: StampId): Promise<StampStatusAnswer | undefined>;
  /** The proof file of a stamp; undefined when there is no such stamp or it is not in the log yet. */
  stampProof(id: StampId): Promise<JsonValue | undefined>;
  trustList(): Promise<JsonValue>;
  /** The newest signed checkpoint of the public log, as text. */
  checkpoint(): Promise<string | undefined>;
  /** The report of a verification; a file that is no stamp is a report too, not a Fault. */
  verify(request: VerificationRequest): Promise<JsonValue>;

  districts(): Promise<readonly DistrictAnswer[]>;
  /** Undefined for an unknown district. */
  tehsils(district: string): Promise<readonly PlaceAnswer[] | undefined>;
  localities(district: string, tehsil: string): Promise<readonly LocalityAnswer[] | undefined>;
  instruments(): Promise<readonly InstrumentAnswer[]>;
}
