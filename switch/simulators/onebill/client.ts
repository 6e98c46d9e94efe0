/**
 * The other end of the 1BILL-style channel: a bank that inquires and pays, written from the field table of
 * docs/spec/onebill.md and from nothing of the channel's code, so that it is a check of its conformance too.
 * It throws `OneBillDeviation` when an answer is not exactly what the table says.
 */
export interface OneBillClientOptions {
  /** `http://127.0.0.1:8080` */
  readonly baseUrl: string;
  readonly username: string;
  readonly password: string;
  readonly bankMnemonic: string;
  /** How long to wait for an answer; 10,000 when absent. After it the outcome is unknown: repeat or inquire. */
  readonly timeoutMs?: number;
}

export interface OneBillPayment {
  readonly psid: string;
  readonly amountPaisa: bigint;
  /** 6 letters or digits; with the date and the bank it names the request. */
  readonly tranAuthId: string;
  /** YYYYMMDD */
  readonly tranDate: string;
  /** HHMMSS */
  readonly tranTime: string;
}

export interface OneBillInquiryResult {
  readonly responseCode: string;
  readonly consumerDetail: string;
  readonly billStatus: 'U' | 'P' | 'B';
  /** YYYYMMDD; absent in a refusal. */
  readonly dueDate?: string;
  readonly amountWithinDueDatePaisa: bigint;
  readonly amountAfterDueDatePaisa: bigint;
  /** YYMM; absent in a refusal. */
  readonly billingMonth?: string;
  readonly paid?: {
    readonly date: string;
    readonly amountPaisa: bigint;
    readonly tranAuthId: string;
  };
  readonly httpStatus: number;
}

export interface OneBillPaymentResult {
  readonly responseCode: string;
  /** Without the padding; empty in a refusal. */
  readonly identificationParameter: string;
  readonly httpStatus: number;
}

/** An answer that breaks the field table; `field` says where. */
export class OneBillDeviation extends Error {
  readonly field: string;

  constructor(field: string) {
    super('An answer of the biller deviates from the field table.');
    this.name = 'OneBillDeviation';
    this.field = field;
  }
}

const INQUIRY_FIELDS: Readonly<Record<string, RegExp>> = {
  response_Code: /^[0-9A-Za-z]{2}$/,
  consumer_Detail: /^[^]{30}$/,
  bill_status: /^[UPB]$/,
  due_date: /^(\d{8}| {8})$/,
  amount_within_dueDate: /^[+-]\d{13}$/,
  amount_after_dueDate: /^[+-]\d{13}$/,
  email_address: /^$/,
  contact_number: /^$/,
  billing_month: /^(\d{2}(0[1-9]|1[0-2])| {4})$/,
  date_paid: /^(\d{8}| {8})$/,
  amount_paid: /^(\d{12}| {12})$/,
  tran_auth_Id: /^(\d{6}| {6})$/,
  reserved: /^[^]{0,200}$/,
};

const PAYMENT_FIELDS: Readonly<Record<string, RegExp>> = {
  response_Code: /^[0-9A-Za-z]{2}$/,
  Identification_parameter: /^[^]{20}$/,
  reserved: /^[^]{0,200}$/,
};

const ANSWER_MAX = 4_096;

/** Reads an answer that has exactly the table's keys, each a string of its form. */
function parseAnswer(
  body: string,
  table: Readonly<Record<string, RegExp>>,
): (field: string) => string {
  if (body.length > ANSWER_MAX) throw new OneBillDeviation('body');
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    throw new OneBillDeviation('body');
  }
  if (typeof answer !== 'object' || answer === null) throw new OneBillDeviation('body');
  const fields = new Map<string, unknown>(Object.entries(answer));
  for (const key of fields.keys()) if (!Object.hasOwn(table, key)) throw new OneBillDeviation(key);
  for (const [key, form] of Object.entries(table)) {
    const value = fields.get(key);
    if (typeof value !== 'string' || !form.test(value)) throw new OneBillDeviation(key);
  }
  return (field) => String(fields.get(field));
}

const given = (text: string): string | undefined => (text.trim() === '' ? undefined : text);

function readInquiry(body: string, httpStatus: number): OneBillInquiryResult {
  const field = parseAnswer(body, INQUIRY_FIELDS);
  const dueDate = given(field('due_date'));
  const billingMonth = given(field('billing_month'));
  const date = given(field('date_paid'));
  const amountPaid = given(field('amount_paid'));
  const tranAuthId = given(field('tran_auth_Id'));
  const isPaid = field('bill_status') === 'P';
  // The three come together, and only with a paid bill.
  for (const [name, value] of Object.entries({ date, amountPaid, tranAuthId })) {
    if ((value !== undefined) !== isPaid) throw new OneBillDeviation(name);
  }
  const isSuccess = field('response_Code') === '00';
  if (isSuccess && (dueDate === undefined || billingMonth === undefined)) {
    throw new OneBillDeviation('due_date');
  }
  return {
    responseCode: field('response_Code'),
    consumerDetail: field('consumer_Detail').trimEnd(),
    // The form of the field table is one of the three letters.
    billStatus: field('bill_status') as 'U' | 'P' | 'B',
    amountWithinDueDatePaisa: BigInt(field('amount_within_dueDate').replace('+', '')),
    amountAfterDueDatePaisa: BigInt(field('amount_after_dueDate').replace('+', '')),
    ...(dueDate === undefined ? {} : { dueDate }),
    ...(billingMonth === undefined ? {} : { billingMonth }),
    ...(date === undefined || amountPaid === undefined || tranAuthId === undefined
      ? {}
      : { paid: { date, amountPaisa: BigInt(amountPaid), tranAuthId } }),
    httpStatus,
  };
}

function readPayment(body: string, httpStatus: number): OneBillPaymentResult {
  const field = parseAnswer(body, PAYMENT_FIELDS);
  const identificationParameter = field('Identification_parameter').trimEnd();
  const isSuccess = field('response_Code') === '00';
  if (isSuccess !== (identificationParameter !== '')) {
    throw new OneBillDeviation('Identification_parameter');
  }
  return { responseCode: field('response_Code'), identificationParameter, httpStatus };
}

/** A bank's side of the channel. */
export interface OneBillClient {
  inquire(psid: string): Promise<OneBillInquiryResult>;
  pay(payment: OneBillPayment): Promise<OneBillPaymentResult>;
  /** Sends the last payment again, word for word, as a bank does after a timeout. */
  repeat(): Promise<OneBillPaymentResult>;
}

/** Makes a bank that talks to a biller at `baseUrl`. */
export function makeOneBillClient(options: OneBillClientOptions): OneBillClient {
  let lastPayment: string | undefined;
  const post = async (operation: string, body: string): Promise<[string, number]> => {
    const response = await fetch(new URL(`/onebill/${operation}`, options.baseUrl), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        username: options.username,
        password: options.password,
      },
      body,
      signal: AbortSignal.timeout(options.timeoutMs ?? 10_000),
    });
    if (response.headers.get('content-type')?.startsWith('application/json') !== true) {
      throw new OneBillDeviation('content-type');
    }
    return [await response.text(), response.status];
  };
  const sendPayment = async (body: string): Promise<OneBillPaymentResult> =>
    readPayment(...(await post('BillPayment', body)));
  return {
    async inquire(psid) {
      const body = { consumer_number: psid, bank_mnemonic: options.bankMnemonic, reserved: '' };
      return readInquiry(...(await post('BillInquiry', JSON.stringify(body))));
    },
    pay(payment) {
      lastPayment = JSON.stringify({
        consumer_number: payment.psid,
        tran_auth_id: payment.tranAuthId,
        transaction_amount: payment.amountPaisa.toString().padStart(12, '0'),
        tran_date: payment.tranDate,
        tran_time: payment.tranTime,
        bank_mnemonic: options.bankMnemonic,
        reserved: '',
      });
      return sendPayment(lastPayment);
    },
    repeat() {
      if (lastPayment === undefined) throw new Error('There is no payment to repeat.');
      return sendPayment(lastPayment);
    },
  };
}
