/** The bodies of the departments' part of the API. */
import { z } from 'zod';
import { withExample } from './examples.ts';
import { cnic, code, day, instant, lineOfText, mobile, paisaText, psid } from './fields.ts';

const email = z.email().max(254);
/** Ids of rows travel as text: they have more digits than a JSON number may. */
export const rowId = z.string().regex(/^\d{1,18}$/, 'must be an id of this API');
export const eventId = z
  .string()
  .regex(/^evt_\d{2}_\d{1,18}$/, 'must be the id of an event')
  .meta({ examples: ['evt_00_7141592653589793'] });

export const demandRequest = withExample(
  z.strictObject({
    service: code,
    reference: lineOfText(60),
    amount: paisaText.optional(),
    district: code,
    payer: z.strictObject({
      name: lineOfText(120),
      cnic: cnic.optional(),
      contact: mobile.optional(),
      email: email.optional(),
      address: lineOfText(300).optional(),
    }),
    purpose: lineOfText(200).optional(),
  }),
  {
    service: 'token-tax',
    reference: 'LEA-20-123',
    amount: '150000',
    district: 'LHR',
    payer: { name: 'Muhammad Aslam', contact: '03001234567' },
  },
);

const departmentChallan = z.object({
  psid,
  challanNumber: z.string(),
  service: z.string(),
  reference: z.string(),
  state: z.enum(['payable', 'paid', 'expired', 'cancelled']),
  amount: paisaText,
  payableUntil: day,
  fulfilment: z.enum(['receipt', 'stamp', 'webhook']),
  payment: z
    .object({
      receiptNumber: z.string(),
      paidAt: instant,
      participant: z.string(),
      bankReference: z.string(),
    })
    .optional(),
});

const challanExample = {
  psid: '20100482911930277',
  challanNumber: '32A-261123-7K3M9QXA',
  service: 'token-tax',
  reference: 'LEA-20-123',
  state: 'payable' as const,
  amount: '150000',
  payableUntil: '2026-12-23',
  fulfilment: 'webhook' as const,
};

export const departmentChallanAnswer = departmentChallan;
export const departmentChallansAnswer = z.object({ challans: z.array(departmentChallan) });
export const demandAnswer = departmentChallan
  .extend({
    /** For the payer: opens the challan as PDF, the receipt and the stamps. */
    accessToken: z.string(),
    links: z.object({ challanPdf: z.string(), receipt: z.string() }),
  })
  .meta({
    examples: [
      {
        ...challanExample,
        accessToken: 'q1a2n0cQv3p0Xb7l8tq5Zw',
        links: {
          challanPdf: '/v1/challans/20100482911930277/pdf',
          receipt: '/v1/challans/20100482911930277/receipt',
        },
      },
    ],
  });

export const servicesAnswer = withExample(
  z.object({
    services: z.array(
      z.object({
        code: z.string(),
        title: z.string(),
        department: z.string(),
        departmentName: z.string(),
        amount: paisaText.optional(),
        minimum: paisaText.optional(),
        maximum: paisaText.optional(),
        payableDays: z.int(),
        fulfilment: z.enum(['receipt', 'stamp', 'webhook']),
        assumed: z.boolean(),
      }),
    ),
  }),
  {
    services: [
      {
        code: 'fard',
        title: 'Fard: certified copy of the record of rights',
        department: 'PLRA',
        departmentName: 'Punjab Land Records Authority',
        amount: '80000',
        payableDays: 15,
        fulfilment: 'webhook',
        assumed: false,
      },
    ],
  },
);

export const receiptAnswer = withExample(
  z.object({
    number: z.string(),
    psid,
    challanNumber: z.string(),
    department: z.string(),
    departmentName: z.string(),
    service: z.string(),
    title: z.string(),
    reference: z.string(),
    payerName: z.string(),
    amount: paisaText,
    lines: z.array(
      z.object({
        headCode: z.string(),
        headTitle: z.string(),
        description: z.string(),
        amount: paisaText,
      }),
    ),
    paidAt: instant,
    paidOn: day,
    paidThrough: z.string(),
    bankReference: z.string(),
  }),
  {
    number: 'R-071415926535897932',
    psid: '10100482911930272',
    challanNumber: '32A-261123-7K3M9QXA',
    department: 'PLRA',
    departmentName: 'Punjab Land Records Authority',
    service: 'fard',
    title: 'Fard: certified copy of the record of rights',
    reference: 'LRC-LHR-8812',
    payerName: 'Muhammad Aslam',
    amount: '80000',
    lines: [
      {
        headCode: 'C03880',
        headTitle: 'Land record fees (PLRA)',
        description: 'Fard: certified copy of the record of rights',
        amount: '80000',
      },
    ],
    paidAt: '2026-11-23T15:05:09.120Z',
    paidOn: '2026-11-23',
    paidThrough: 'Bank of Punjab',
    bankReference: '626123456789',
  },
);

const endpoint = z.object({
  id: rowId,
  url: z.string(),
  active: z.boolean(),
  createdAt: instant,
});
export const endpointRequest = withExample(z.strictObject({ url: z.string().min(1).max(2_000) }), {
  url: 'https://hooks.excise.punjab.gov.pk/sanad',
});
export const endpointStateRequest = z.strictObject({ active: z.boolean() });
export const endpointAnswer = endpoint.extend({
  /** Shown once. */
  secret: z.string(),
});
export const endpointsAnswer = z.object({ webhooks: z.array(endpoint) });
export const secretAnswer = z.object({ secret: z.string(), previousUntil: instant });

export const deliveriesQuery = z.strictObject({
  state: z.enum(['pending', 'delivered', 'dead']).optional(),
  psid: psid.optional(),
  before: eventId.optional(),
});
export const deliveriesAnswer = z.object({
  deliveries: z.array(
    z.object({
      event: z.string(),
      webhook: rowId,
      type: z.string(),
      psid: z.string(),
      version: z.int(),
      state: z.enum(['pending', 'delivered', 'dead']),
      attempts: z.int(),
      resends: z.int(),
      nextAt: instant.optional(),
      lastStatus: z.int().optional(),
      lastError: z.string().optional(),
    }),
  ),
  /** Give it as `before` for the next page; absent on the last. */
  next: eventId.optional(),
});
export const resentAnswer = z.object({ resent: z.int() });
