/**
 * What `/openapi.json` says about the routes: plain JSON Schema, for the reader only. The codec judges bodies, so
 * these schemas are never compiled.
 */
const text = (description: string, pattern: string): object => ({
  type: 'string',
  description,
  pattern,
});

const HASH = text('HMAC-SHA256 in hexadecimal; see docs/spec/jazzcash.md.', '^[0-9A-Fa-f]{64}$');

const common = {
  pp_Version: text('1.1 or 2.0.', '^(1\\.1|2\\.0)$'),
  pp_TxnType: text('INQ, MWALLET, OTC, MIGS or REFUND.', '^[A-Z]{3,7}$'),
  pp_MerchantID: text('As agreed with the switch.', '^[0-9A-Za-z]{1,20}$'),
  pp_Password: text('As agreed with the switch.', '^[!-~]{1,128}$'),
  pp_TxnRefNo: text('Yours, used once.', '^[0-9A-Za-z]{1,20}$'),
  pp_TxnDateTime: text('YYYYMMDDHHMMSS, Pakistan time.', '^[0-9]{14}$'),
  pp_BillReference: text('PSID.', '^[0-9A-Za-z]{1,20}$'),
  pp_SecureHash: HASH,
};
const money = {
  pp_Amount: text('Paisa.', '^[1-9][0-9]{0,12}$'),
  pp_TxnCurrency: text('PKR', '^PKR$'),
};
const more: Readonly<Record<string, Readonly<Record<string, object>>>> = {
  BillInquiry: {},
  BillPayment: {
    ...money,
    pp_RetreivalReferenceNo: text('Your reference of the payment.', '^[0-9A-Za-z]{1,20}$'),
  },
  BillReversal: {
    ...money,
    pp_OriginalTxnRefNo: text('pp_TxnRefNo of the payment.', '^[0-9A-Za-z]{1,20}$'),
  },
};
const SUMMARIES: Readonly<Record<string, string>> = {
  BillInquiry: 'What a PSID costs and whether it can be paid',
  BillPayment: 'Pays a PSID; a repeat of the same request is answered as before',
  BillReversal: 'Takes a payment back while what it paid for is unused',
};

const example = {
  pp_Version: '1.1',
  pp_TxnType: 'INQ',
  pp_MerchantID: 'MC12345',
  pp_Password: 'as-agreed-with-us',
  pp_TxnRefNo: 'T20261123101500',
  pp_TxnDateTime: '20261123101500',
  pp_BillReference: '10100482911930272',
  pp_SecureHash: '0'.repeat(64),
};
const examples: Readonly<Record<string, object>> = {
  BillInquiry: example,
  BillPayment: {
    ...example,
    pp_TxnType: 'MWALLET',
    pp_Amount: '186900',
    pp_TxnCurrency: 'PKR',
    pp_RetreivalReferenceNo: '261123000417',
  },
  BillReversal: {
    ...example,
    pp_TxnType: 'REFUND',
    pp_Amount: '186900',
    pp_TxnCurrency: 'PKR',
    pp_OriginalTxnRefNo: 'T20261123101400',
  },
};

const answerSchema = {
  type: 'object',
  required: ['pp_ResponseCode', 'pp_ResponseMessage', 'pp_SecureHash'],
  properties: {
    pp_ResponseCode: text('000 is success.', '^[0-9A-Za-z]{3}$'),
    pp_ResponseMessage: { type: 'string' },
    pp_SecureHash: { type: 'string', description: 'Empty when the request was not believed.' },
  },
  additionalProperties: { type: 'string' },
  examples: [
    {
      pp_ResponseCode: '000',
      pp_ResponseMessage: 'Thank you for Using JazzCash, your transaction was successful.',
      pp_SecureHash: '0'.repeat(64),
    },
  ],
};
const response = {
  200: { description: 'The answer; `pp_ResponseCode` says how it went.', ...answerSchema },
  503: { description: 'Too busy to begin: nothing was done, ask again.', ...answerSchema },
};

/** The description of one operation of the biller form. */
export function billSchema(name: string): object {
  const properties = { ...common, ...more[name] };
  return {
    tags: ['JazzCash'],
    operationId: `jazzCash${name}`,
    summary: SUMMARIES[name],
    body: {
      type: 'object',
      required: Object.keys(properties),
      properties,
      examples: [examples[name]],
    },
    response,
  };
}

export const notificationSchema = {
  tags: ['JazzCash'],
  operationId: 'jazzCashNotification',
  summary: 'Instant payment notification of a voucher or wallet payment',
  params: {
    type: 'object',
    required: ['merchantId'],
    properties: { merchantId: text('Our merchant id.', '^[0-9A-Za-z]{1,20}$') },
  },
  body: {
    type: 'object',
    required: ['pp_TxnRefNo', 'pp_ResponseCode', 'pp_SecureHash'],
    properties: {
      pp_TxnRefNo: text('PSID and three digits.', '^[0-9]{20}$'),
      pp_ResponseCode: text('000 or 121: paid.', '^[0-9]{3}$'),
      pp_RetreivalReferenceNo: text('The reference of the payment.', '^[0-9A-Za-z]{0,20}$'),
      pp_SecureHash: HASH,
    },
    additionalProperties: { type: ['string', 'null'] },
    examples: [
      {
        pp_Version: '2.0',
        pp_TxnType: 'OTC',
        pp_TxnRefNo: '10100482911930272417',
        pp_TxnDateTime: '20261123101500',
        pp_ResponseCode: '121',
        pp_ResponseMessage: 'Transaction has been marked confirmed by Merchant.',
        pp_RetreivalReferenceNo: '261123000417',
        pp_SecureHash: '0'.repeat(64),
      },
    ],
  },
  response,
};
