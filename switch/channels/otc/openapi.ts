/**
 * What `/openapi.json` says about the routes: plain JSON Schema, for the reader only. The codec judges bodies, so
 * these schemas are never compiled.
 */
const text = (description: string, pattern: string): object => ({
  type: 'string',
  description,
  pattern,
});

const PAISA = '^(0|[1-9][0-9]{0,14})$';

interface Description {
  readonly summary: string;
  readonly properties: Readonly<Record<string, object>>;
  readonly optional?: readonly string[];
  readonly example: object;
}

const code = text('The challan’s code as scanned, or its PSID.', '^.{1,40}$');
const OPERATIONS: Readonly<Record<string, Description>> = {
  'sign-in': {
    summary: 'Signs a teller in at a till and opens its batch',
    properties: {
      branch: text('Branch.', '^[0-9A-Z]{1,12}$'),
      till: text('Till.', '^[0-9A-Z]{1,8}$'),
      teller: text('Who sits there.', '^[0-9A-Za-z._-]{1,32}$'),
    },
    example: { branch: '0042', till: 'T1', teller: 'a.khan' },
  },
  'sign-out': {
    summary: 'Signs the teller out; the batch stays open',
    properties: {},
    example: {},
  },
  inquiry: {
    summary: 'What a scanned challan costs and whether it can be paid',
    properties: { code },
    example: { code: '10100-4829-1193-0272' },
  },
  payment: {
    summary: 'Takes a payment; the same Idempotency-Key gives the same receipt',
    properties: {
      code,
      amount: text('Paisa.', '^[1-9][0-9]{0,14}$'),
      means: { type: 'string', enum: ['cash', 'cheque'] },
      chequeNumber: text('With a cheque.', '^[0-9A-Za-z]{1,20}$'),
      chequeBank: text('With a cheque.', '^.{1,60}$'),
      chequeDate: text('With a cheque: YYYY-MM-DD.', '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'),
    },
    optional: ['chequeNumber', 'chequeBank', 'chequeDate'],
    example: { code: '10100482911930272', amount: '186900', means: 'cash' },
  },
  void: {
    summary: 'Takes back a payment of the open batch while what it paid for is unused',
    properties: {
      serial: text('Of the receipt.', '^[1-9][0-9]{0,6}$'),
      reason: text('Why.', '^.{1,200}$'),
    },
    example: { serial: '7', reason: 'wrong challan' },
  },
  close: {
    summary: 'Closes the batch with what the teller counted',
    properties: {
      count: text('Payments.', '^[0-9]{1,7}$'),
      cash: text('Paisa.', PAISA),
      cheque: text('Paisa.', PAISA),
      acceptDifference: { type: 'string', enum: ['yes', 'no'] },
    },
    optional: ['acceptDifference'],
    example: { count: '12', cash: '2242800', cheque: '0' },
  },
};

const answerSchema = {
  type: 'object',
  required: ['responseCode', 'result'],
  properties: {
    responseCode: text('00 is success.', '^[0-9A-Za-z]{2}$'),
    result: text('The same in words.', '^[a-z-]{4,30}$'),
  },
  additionalProperties: true,
  examples: [{ responseCode: '00', result: 'approved' }],
};
const response = {
  200: { description: 'The answer; `responseCode` says how it went.', ...answerSchema },
  400: { description: 'The request is malformed.', ...answerSchema },
  401: { description: 'The credentials or the token are wrong.', ...answerSchema },
  503: { description: 'Not decided: send the same again.', ...answerSchema },
};

const credentials = {
  type: 'object',
  required: ['username', 'password'],
  properties: {
    username: { type: 'string', description: 'As agreed with the switch.' },
    password: { type: 'string', description: 'As agreed with the switch.' },
  },
};
const bearer = (withKey: boolean): object => ({
  type: 'object',
  required: withKey ? ['authorization', 'idempotency-key'] : ['authorization'],
  properties: {
    authorization: { type: 'string', description: 'Bearer and the token of the sign-in.' },
    ...(withKey
      ? {
          'idempotency-key': text(
            'New for each payment, the same for its repeat.',
            '^[!-~]{8,64}$',
          ),
        }
      : {}),
  },
});

/** The description of one operation of a teller. */
export function operationSchema(name: string): object {
  const {
    summary,
    properties,
    optional = [],
    example,
  } = OPERATIONS[name] ?? {
    summary: name,
    properties: {},
    example: {},
  };
  return {
    tags: ['OTC'],
    operationId: `otc-${name}`.replace(/-(\w)/g, (_match, letter: string) => letter.toUpperCase()),
    summary,
    headers: name === 'sign-in' ? credentials : bearer(name === 'payment'),
    body: {
      type: 'object',
      additionalProperties: false,
      required: Object.keys(properties).filter((each) => !optional.includes(each)),
      properties,
      examples: [example],
    },
    response,
  };
}

export const scrollSchema = {
  tags: ['OTC'],
  operationId: 'otcScroll',
  summary: 'The end-of-day scroll of a branch, as JSON or CSV',
  headers: credentials,
  querystring: {
    type: 'object',
    required: ['branch', 'date'],
    properties: {
      branch: text('Branch.', '^[0-9A-Z]{1,12}$'),
      date: text('YYYY-MM-DD', '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'),
      format: { type: 'string', enum: ['json', 'csv'] },
    },
  },
  response,
};
