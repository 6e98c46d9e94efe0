/** The suite's driver of the Easypaisa channel. */
import { generateKeyPairSync } from 'node:crypto';
import type { ConformanceAnswer, ConformanceDriver } from '../../channels/conformance.ts';
import {
  EasypaisaWallet,
  type EasypaisaAnswer,
  type EasypaisaOptions,
} from '../easypaisa/index.ts';
import { httpGarbage } from './http-garbage.ts';

const STATUS: Readonly<Record<string, ConformanceAnswer['status']>> = {
  UNPAID: 'unpaid',
  PAID: 'paid',
  BLOCKED: 'closed',
};

function answerOf(answer: EasypaisaAnswer): ConformanceAnswer {
  const { transactionAmount, billStatus, authorisation } = answer.fields;
  const status = STATUS[billStatus ?? ''];
  return {
    approved: answer.responseCode === '0000',
    code: answer.responseCode,
    ...(transactionAmount === undefined
      ? {}
      : { amountPaisa: BigInt(transactionAmount.replace('.', '')) }),
    ...(status === undefined ? {} : { status }),
    ...(authorisation === undefined ? {} : { authorisation }),
    wire: `${String(answer.httpStatus)} ${JSON.stringify(answer.fields)}`,
  };
}

/** Makes the driver. */
export function easypaisaDriver(options: EasypaisaOptions): ConformanceDriver {
  const right = new EasypaisaWallet(options);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const forger = new EasypaisaWallet({ ...options, privateKey });
  return {
    channel: 'easypaisa',
    codes: {
      'unknown-psid': ['0003'],
      'wrong-amount': ['0101'],
      'already-paid': ['0102'],
      expired: ['0103'],
      limit: ['0105'],
      'key-reused': ['0106'],
      'reversed-before': ['0107'],
      'unknown-payment': ['0108'],
      'reversal-mismatch': ['0109'],
      'stamp-used': ['0110'],
      blocked: ['0104'],
      unavailable: ['0005'],
      busy: ['0112'],
      malfunction: ['0001'],
      unauthorised: ['0010'],
    },
    inquire: async (psid) => answerOf(await right.inquire(psid)),
    prepare: (psid, amountPaisa) => ({ psid, amountPaisa, id: right.newTransactionId() }),
    send: async ({ psid, amountPaisa, id }) =>
      answerOf(await right.pay({ psid, amountPaisa, transactionId: id })),
    reverse: async ({ psid, amountPaisa, id }) =>
      answerOf(await right.reverse({ psid, amountPaisa, transactionId: id })),
    forge: async (psid) => answerOf(await forger.inquire(psid)),
    forgePayment: async (psid, amountPaisa) => answerOf(await forger.pay({ psid, amountPaisa })),
    async replay(psid) {
      const captured = right.sign(right.fieldsOf('INQ', psid));
      await right.send('bill-inquiry', captured);
      return answerOf(await right.send('bill-inquiry', captured));
    },
    garbage: (bytes) => httpGarbage(new URL('/easypaisa/bill-payment', options.baseUrl), bytes),
    close: () => Promise.resolve(),
  };
}
