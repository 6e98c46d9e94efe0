/**
 * What `/openapi.json` says about the two routes: plain JSON Schema, for the reader only. The codec judges
 * bodies, so these schemas are never compiled.
 */
const text = (description: string, pattern: string): object => ({
  type: 'string',
  description,
  pattern,
});

const credentials = {
  type: 'object',
  required: ['username', 'password'],
  properties: {
    username: { type: 'string', description: 'As agreed with the switch.' },
    password: { type: 'string', description: 'As agreed with the switch.' },
  },
};

const inquiryRequest = {
  consumer_number: text('PSID.', '^[0-9A-Za-z]{1,24}$'),
  bank_mnemonic: text('The bank that asks.', '^[0-9A-Za-z]{1,8}$'),
  reserved: { type: 'string', maxLength: 200 },
};

const paymentRequest = {
  ...inquiryRequest,
  tran_auth_id: text('The bank’s reference.', '^[0-9A-Za-z]{6}$'),
  transaction_amount: text('Paisa: two implied decimals.', '^[0-9]{12,14}$'),
  tran_date: text('YYYYMMDD', '^[0-9]{8}$'),
  tran_time: text('HHMMSS', '^[0-9]{6}$'),
};

const inquiryAnswer = {
  response_Code: text('00 to 05.', '^[0-9A-Za-z]{2}$'),
  consumer_Detail: { type: 'string', minLength: 30, maxLength: 30 },
  bill_status: { type: 'string', enum: ['U', 'P', 'B'] },
  due_date: text('YYYYMMDD or blanks.', '^([0-9]{8}| {8})$'),
  amount_within_dueDate: text('Sign and 13 digits, paisa.', '^[+-][0-9]{13}$'),
  amount_after_dueDate: text('Sign and 13 digits, paisa.', '^[+-][0-9]{13}$'),
  email_address: { type: 'string', const: '' },
  contact_number: { type: 'string', const: '' },
  billing_month: text('YYMM or blanks.', '^([0-9]{4}| {4})$'),
  date_paid: text('YYYYMMDD or blanks.', '^([0-9]{8}| {8})$'),
  amount_paid: text('12 digits, paisa, or blanks.', '^([0-9]{12}| {12})$'),
  tran_auth_Id: { type: 'string', minLength: 6, maxLength: 6 },
  reserved: { type: 'string', maxLength: 200 },
};

const paymentAnswer = {
  response_Code: text('00 to 05.', '^[0-9A-Za-z]{2}$'),
  Identification_parameter: { type: 'string', minLength: 20, maxLength: 20 },
  reserved: { type: 'string', maxLength: 200 },
};

const object = (
  properties: Record<string, unknown>,
  example: object,
  required?: string[],
): object => ({
  type: 'object',
  additionalProperties: false,
  required: required ?? Object.keys(properties),
  properties,
  examples: [example],
});

const mandatory = (properties: Record<string, unknown>): string[] =>
  Object.keys(properties).filter((key) => key !== 'reserved');

const inquiryExample = {
  response_Code: '00',
  consumer_Detail: 'MUHAMMAD ASLAM                ',
  bill_status: 'U',
  due_date: '20261208',
  amount_within_dueDate: '+0000000186900',
  amount_after_dueDate: '+0000000186900',
  email_address: '',
  contact_number: '',
  billing_month: '2611',
  date_paid: '        ',
  amount_paid: '            ',
  tran_auth_Id: '      ',
  reserved: '',
};

const paymentExample = {
  response_Code: '00',
  Identification_parameter: '482913              ',
  reserved: '',
};

const answers = (schema: object): object => ({
  200: { description: 'The answer; `response_Code` says how it went.', ...schema },
  503: { description: 'Too busy to begin: nothing was done, ask again.', ...schema },
});

export const inquirySchema = {
  tags: ['1BILL'],
  operationId: 'billInquiry',
  summary: 'What a PSID costs and whether it can be paid',
  headers: credentials,
  body: object(
    inquiryRequest,
    { consumer_number: '10100482911930272', bank_mnemonic: 'HBL', reserved: '' },
    mandatory(inquiryRequest),
  ),
  response: answers(object(inquiryAnswer, inquiryExample)),
};

export const paymentSchema = {
  tags: ['1BILL'],
  operationId: 'billPayment',
  summary: 'Pays a PSID; a repeat of the same request is answered as before',
  headers: credentials,
  body: object(
    paymentRequest,
    {
      consumer_number: '10100482911930272',
      tran_auth_id: '482913',
      transaction_amount: '000000186900',
      tran_date: '20261123',
      tran_time: '101500',
      bank_mnemonic: 'HBL',
      reserved: '',
    },
    mandatory(paymentRequest),
  ),
  response: answers(object(paymentAnswer, paymentExample)),
};
