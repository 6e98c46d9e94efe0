/**
 * What `/openapi.json` says about the routes: plain JSON Schema, for the reader only. The codec judges bodies, so
 * these schemas are never compiled.
 */
const text = (description: string, pattern: string): object => ({
  type: 'string',
  description,
  pattern,
});

const common = {
  storeId: text('As agreed with the switch.', '^[0-9A-Za-z]{1,20}$'),
  orderRefNum: text('PSID.', '^[0-9A-Za-z]{1,20}$'),
  transactionId: text('Yours, used once.', '^[0-9A-Za-z]{1,24}$'),
  transactionType: text('INQ, MA, OTC, CC or REVERSAL.', '^[A-Z]{2,8}$'),
  requestDateTime: text('YYYYMMDD HHMMSS, Pakistan time.', '^[0-9]{8} [0-9]{6}$'),
};
const amount = { transactionAmount: text('Rupees.', '^[0-9]{1,11}([.][0-9]{1,2})?$') };
const more: Readonly<Record<string, Readonly<Record<string, object>>>> = {
  'bill-inquiry': {},
  'bill-payment': amount,
  'bill-reversal': {
    ...amount,
    originalTransactionId: text('transactionId of the payment.', '^[0-9A-Za-z]{1,24}$'),
  },
};
const SUMMARIES: Readonly<Record<string, string>> = {
  'bill-inquiry': 'What a PSID costs and whether it can be paid',
  'bill-payment': 'Pays a PSID; a repeat of the same request is answered as before',
  'bill-reversal': 'Takes a payment back while what it paid for is unused',
};
const example = {
  storeId: '641',
  orderRefNum: '10100482911930272',
  transactionId: '261123000417',
  transactionType: 'INQ',
  requestDateTime: '20261123 101500',
};
const examples: Readonly<Record<string, object>> = {
  'bill-inquiry': example,
  'bill-payment': { ...example, transactionType: 'MA', transactionAmount: '1869.00' },
  'bill-reversal': {
    ...example,
    transactionType: 'REVERSAL',
    transactionAmount: '1869.00',
    originalTransactionId: '261123000416',
  },
};
const SIGNATURE = {
  type: 'string',
  description: 'SHA256withRSA over the compact JSON beside it, base64; see docs/spec/easypaisa.md.',
};

const answerSchema = {
  type: 'object',
  required: ['response', 'signature'],
  properties: {
    response: {
      type: 'object',
      required: ['responseCode', 'responseDesc'],
      properties: {
        responseCode: text('0000 is success.', '^[0-9A-Za-z]{4}$'),
        responseDesc: { type: 'string' },
      },
      additionalProperties: { type: 'string' },
    },
    signature: SIGNATURE,
  },
  examples: [{ response: { responseCode: '0000', responseDesc: 'SUCCESS' }, signature: 'base64' }],
};
const response = {
  200: { description: 'The answer; `responseCode` says how it went.', ...answerSchema },
  503: { description: 'Nothing was done, ask again.', ...answerSchema },
};

/** The description of one signed operation. */
export function billSchema(name: string): object {
  const properties = { ...common, ...more[name] };
  return {
    tags: ['Easypaisa'],
    operationId: `easypaisa-${name}`.replace(/-(\w)/g, (_match, letter: string) =>
      letter.toUpperCase(),
    ),
    summary: SUMMARIES[name],
    headers: {
      type: 'object',
      required: ['credentials'],
      properties: { credentials: { type: 'string', description: 'base64 of username:password.' } },
    },
    body: {
      type: 'object',
      required: ['request', 'signature'],
      properties: {
        request: { type: 'object', required: Object.keys(properties), properties },
        signature: SIGNATURE,
      },
      examples: [{ request: examples[name], signature: 'base64' }],
    },
    response,
  };
}

export const notificationSchema = {
  tags: ['Easypaisa'],
  operationId: 'easypaisaNotification',
  summary: 'Instant payment notification: the address from which we fetch what was paid',
  params: { type: 'object', required: ['username'], properties: { username: { type: 'string' } } },
  querystring: {
    type: 'object',
    required: ['url'],
    properties: { url: { type: 'string', description: 'An address of your agreed origin.' } },
  },
  response,
};
