/** The suite's driver of the JazzCash channel, biller form. */
import type { ConformanceAnswer, ConformanceDriver } from '../../channels/conformance.ts';
import {
  gatewayHash,
  JazzCashWallet,
  type JazzCashAnswer,
  type JazzCashOptions,
} from '../jazzcash/index.ts';
import { httpGarbage } from './http-garbage.ts';

const STATUS: Readonly<Record<string, ConformanceAnswer['status']>> = {
  U: 'unpaid',
  P: 'paid',
  B: 'closed',
};

function answerOf(answer: JazzCashAnswer): ConformanceAnswer {
  const amount = answer.fields.get('pp_Amount');
  const status = STATUS[answer.fields.get('pp_BillStatus') ?? ''];
  const authorisation = answer.fields.get('pp_AuthCode');
  return {
    approved: answer.responseCode === '000',
    code: answer.responseCode,
    ...(amount === undefined ? {} : { amountPaisa: BigInt(amount) }),
    ...(status === undefined ? {} : { status }),
    ...(authorisation === undefined ? {} : { authorisation }),
    wire: `${String(answer.httpStatus)} ${JSON.stringify([...answer.fields])}`,
  };
}

/** Makes the driver. */
export function jazzCashDriver(options: JazzCashOptions): ConformanceDriver {
  const right = new JazzCashWallet(options);
  const forger = new JazzCashWallet({ ...options, salt: `${options.salt}x` });
  return {
    channel: 'jazzcash',
    codes: {
      'unknown-psid': ['109'],
      'wrong-amount': ['141'],
      'already-paid': ['142'],
      expired: ['116'],
      limit: ['105'],
      'key-reused': ['144'],
      'reversed-before': ['145'],
      'unknown-payment': ['109'],
      'reversal-mismatch': ['146'],
      'stamp-used': ['147'],
      blocked: ['143'],
      unavailable: ['111'],
      busy: ['118'],
      malfunction: ['199'],
      unauthorised: ['110'],
    },
    inquire: async (psid) => answerOf(await right.inquire(psid)),
    prepare: (psid, amountPaisa) => ({ psid, amountPaisa, id: right.newReference() }),
    send: async ({ psid, amountPaisa, id }) =>
      answerOf(await right.pay({ psid, amountPaisa, txnRefNo: id })),
    reverse: async ({ psid, amountPaisa, id }) =>
      answerOf(await right.reverse({ psid, amountPaisa, txnRefNo: id })),
    forge: async (psid) => answerOf(await forger.inquire(psid)),
    forgePayment: async (psid, amountPaisa) => answerOf(await forger.pay({ psid, amountPaisa })),
    async replay(psid) {
      const fields = right.fieldsOf('INQ', psid);
      const captured = { ...fields, pp_SecureHash: gatewayHash(fields, options.salt) };
      await right.send('BillInquiry', captured);
      return answerOf(await right.send('BillInquiry', captured));
    },
    garbage: (bytes) => httpGarbage(new URL('/jazzcash/BillPayment', options.baseUrl), bytes),
    close: () => Promise.resolve(),
  };
}
