/** The bodies of the API. Requests are strict: an unknown key is refused. Answers carry what is listed, no more. */
import { z } from 'zod';
import { AREA_UNITS } from '../../kernel/area.ts';
import { STAMP_KINDS } from '../../kernel/stamp.ts';
import { withExample } from './examples.ts';
import {
  cnic,
  code,
  day,
  decimalText,
  instant,
  lineOfText,
  mobile,
  paisaText,
  psid,
  stampId,
  stampState,
} from './fields.ts';
import type { JsonValue } from './services.ts';

const PARTIES_MAX = 20;
const STOREYS_MAX = 20;

/** Any JSON, made by a room that documents it. */
export const anyJson: z.ZodType<JsonValue> = z.custom<JsonValue>((value) => value !== undefined);

const area = z.strictObject({ value: decimalText, unit: z.enum(AREA_UNITS) });

const coveredArea = z.union([
  decimalText.meta({ description: 'Square feet.' }),
  area,
  z
    .array(area.extend({ storey: code }))
    .min(1)
    .max(STOREYS_MAX),
]);

const property = z.strictObject({
  district: code,
  tehsil: code,
  locality: code,
  setting: code.optional(),
  landClass: code,
  area,
  coveredArea: coveredArea.optional(),
});

const party = z.strictObject({
  name: lineOfText(120),
  /** `S/o Muhammad Akram` */
  relation: lineOfText(120).optional(),
  cnic: cnic.optional(),
  contact: mobile.optional(),
  address: lineOfText(300).optional(),
});

const applicant = party.extend({ cnic, contact: mobile, address: lineOfText(300) });

const duty = z.strictObject({
  instrument: code,
  declaredValue: paisaText.optional(),
  property: property.optional(),
  date: day.optional(),
  seller: code.optional(),
  purchaser: code.optional(),
});

const propertyExample = {
  district: 'LHR',
  tehsil: 'LHR-CITY',
  locality: 'gulberg-iii',
  landClass: 'residential',
  area: { value: '10', unit: 'marla' as const },
};

export const dutyRequest = withExample(duty, {
  instrument: 'conveyance',
  declaredValue: '1250000000',
  property: propertyExample,
});

export const stampApplicationRequest = withExample(
  duty
    .extend({
      /** Where the stamp is bought; may be left out when there is a property. */
      district: code.optional(),
      tehsil: code.optional(),
      applicant,
      agent: party.optional(),
      firstParties: z.array(party).max(PARTIES_MAX).default([]),
      secondParties: z.array(party).max(PARTIES_MAX).default([]),
      purpose: lineOfText(200),
    })
    .refine((body) => body.district !== undefined || body.property !== undefined, {
      path: ['district'],
      message: 'is required when there is no property',
    }),
  {
    instrument: 'conveyance',
    declaredValue: '1250000000',
    property: propertyExample,
    applicant: {
      name: 'Muhammad Aslam',
      relation: 'S/o Muhammad Akram',
      cnic: '35202-1234567-1',
      contact: '03001234567',
      address: '12-B, Gulberg III, Lahore',
    },
    firstParties: [{ name: 'Zainab Bibi', cnic: '3520276543212' }],
    secondParties: [{ name: 'Muhammad Aslam', cnic: '35202-1234567-1' }],
    purpose: 'Sale of a house',
  },
);

const challanLine = z.object({
  headCode: z.string(),
  headTitle: z.string(),
  description: z.string(),
  amount: paisaText,
  assumed: z.boolean(),
});

const stampKind = z.enum(STAMP_KINDS);

export const stampApplicationAnswer = withExample(
  z.object({
    psid,
    challanNumber: z.string(),
    amount: paisaText,
    payableUntil: day,
    lines: z.array(challanLine),
    duty: anyJson,
    accessToken: z.string(),
    links: z.object({ challan: z.string(), challanPdf: z.string(), stamps: z.string() }),
  }),
  {
    psid: '10100482911930272',
    challanNumber: '32A-261123-7K3M9QXA',
    amount: '12500000',
    payableUntil: '2026-12-08',
    lines: [
      {
        headCode: 'B02701',
        headTitle: 'Stamps: non-judicial',
        description: 'Conveyance, art. 23',
        amount: '12500000',
        assumed: true,
      },
    ],
    duty: { ok: true, total: '12500000', trace: [] },
    accessToken: 'q1a2n0cQv3p0Xb7l8tq5Zw',
    links: {
      challan: '/v1/challans/10100482911930272',
      challanPdf: '/v1/challans/10100482911930272/pdf',
      stamps: '/v1/challans/10100482911930272/stamps',
    },
  },
);

export const challanAnswer = withExample(
  z.object({
    psid,
    state: z.enum(['payable', 'paid', 'expired', 'cancelled']),
    amount: paisaText,
    payableUntil: day,
    paidOn: day.optional(),
  }),
  { psid: '10100482911930272', state: 'payable', amount: '12500000', payableUntil: '2026-12-08' },
);

export const stampsOfChallanAnswer = withExample(
  z.object({
    stamps: z.array(
      z.object({
        id: stampId,
        kind: stampKind,
        state: stampState,
        amount: paisaText,
        issuedAt: instant,
        links: z.object({ pdf: z.string(), status: z.string(), proof: z.string() }),
      }),
    ),
  }),
  {
    stamps: [
      {
        id: '4829119302746153',
        kind: 'non-judicial',
        state: 'issued',
        amount: '12500000',
        issuedAt: '2026-11-23T15:05:09.120Z',
        links: {
          pdf: '/v1/stamps/4829119302746153/pdf',
          status: '/v1/stamps/4829119302746153/status',
          proof: '/v1/stamps/4829119302746153/proof',
        },
      },
    ],
  },
);

export const stampStatusAnswer = withExample(
  z.object({
    id: stampId,
    kind: stampKind,
    state: stampState,
    issuedAt: instant,
    asOf: instant,
    stateChangedAt: instant.optional(),
    usedFor: z.string().optional(),
    recordRoot: z.string(),
    inclusion: anyJson.optional(),
  }),
  {
    id: '4829119302746153',
    kind: 'non-judicial',
    state: 'issued',
    issuedAt: '2026-11-23T15:05:09.120Z',
    asOf: '2026-11-23T15:10:00.000Z',
    recordRoot: 'f1b4c6a55f0f2f6f7c4de2d0a7c3be1b4c8a0c1f6f9c5d8e7a2b3c4d5e6f7a8b',
  },
);

const place = z.object({ code: z.string(), name: z.string() });

export const districtsAnswer = withExample(
  z.object({ districts: z.array(place.extend({ division: z.string() })) }),
  { districts: [{ code: 'LHR', name: 'Lahore', division: 'Lahore' }] },
);

export const tehsilsAnswer = withExample(z.object({ tehsils: z.array(place) }), {
  tehsils: [{ code: 'LHR-CITY', name: 'Lahore City' }],
});

export const localitiesAnswer = withExample(
  z.object({
    localities: z.array(
      place.extend({ setting: z.enum(['urban', 'rural']), landClasses: z.array(z.string()) }),
    ),
  }),
  {
    localities: [
      {
        code: 'gulberg-iii',
        name: 'Gulberg III',
        setting: 'urban',
        landClasses: ['residential', 'commercial'],
      },
    ],
  },
);

export const instrumentsAnswer = withExample(
  z.object({
    instruments: z.array(
      z.object({
        code: z.string(),
        article: z.string(),
        title: z.string(),
        needsProperty: z.boolean(),
        needsDeclaredValue: z.boolean(),
        assumed: z.boolean(),
      }),
    ),
  }),
  {
    instruments: [
      {
        code: 'conveyance',
        article: '23',
        title: 'CONVEYANCE',
        needsProperty: true,
        needsDeclaredValue: true,
        assumed: false,
      },
    ],
  },
);

export const readinessAnswer = withExample(
  z.object({
    ready: z.boolean(),
    checks: z.array(z.object({ name: z.string(), ok: z.boolean() })),
  }),
  { ready: true, checks: [{ name: 'database', ok: true }] },
);
