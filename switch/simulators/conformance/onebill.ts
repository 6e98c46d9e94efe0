/** The suite's driver of the 1BILL-style channel. It has no reversal and no replay protection of its own. */
import { karachiTime, type Clock } from '../../../kernel/clock.ts';
import type { Random } from '../../../kernel/ids.ts';
import type { ConformanceAnswer, ConformanceDriver } from '../../channels/conformance.ts';
import { makeOneBillClient, type OneBillClient } from '../onebill/index.ts';
import { httpGarbage } from './http-garbage.ts';

export interface OneBillDriverOptions {
  readonly baseUrl: string;
  readonly username: string;
  readonly password: string;
  readonly bankMnemonic: string;
  readonly clock: Clock;
  readonly random: Random;
}

const STATUS = { U: 'unpaid', P: 'paid', B: 'closed' } as const;

/** Makes the driver. */
export function oneBillDriver(options: OneBillDriverOptions): ConformanceDriver {
  const { random, clock } = options;
  const right = makeOneBillClient(options);
  const forger = makeOneBillClient({ ...options, password: `${options.password}x` });
  const inquire = async (client: OneBillClient, psid: string): Promise<ConformanceAnswer> => {
    const answer = await client.inquire(psid);
    return {
      approved: answer.responseCode === '00',
      code: answer.responseCode,
      amountPaisa: answer.amountWithinDueDatePaisa,
      status: STATUS[answer.billStatus],
      wire: JSON.stringify(answer, (_name, value: unknown) =>
        typeof value === 'bigint' ? value.toString() : value,
      ),
    };
  };
  const pay = async (
    client: OneBillClient,
    payment: { psid: string; amountPaisa: bigint; id: string },
  ): Promise<ConformanceAnswer> => {
    const { year, month, day, hour, minute, second } = karachiTime(clock.now());
    const { responseCode, identificationParameter } = await client.pay({
      psid: payment.psid,
      amountPaisa: payment.amountPaisa,
      tranAuthId: payment.id,
      tranDate: `${year}${month}${day}`,
      tranTime: `${hour}${minute}${second}`,
    });
    return {
      approved: responseCode === '00',
      code: responseCode,
      authorisation: identificationParameter,
      wire: responseCode,
    };
  };
  return {
    channel: 'onebill',
    codes: {
      'unknown-psid': ['01'],
      'wrong-amount': ['02'],
      'already-paid': ['03'],
      expired: ['02'],
      limit: ['02'],
      'key-reused': ['03'],
      'reversed-before': ['03'],
      'unknown-payment': ['05'],
      'reversal-mismatch': ['05'],
      'stamp-used': ['05'],
      blocked: ['02'],
      unavailable: ['04'],
      busy: ['05'],
      malfunction: ['05'],
      unauthorised: ['04'],
    },
    inquire: (psid) => inquire(right, psid),
    prepare: (psid, amountPaisa) => ({ psid, amountPaisa, id: random.digits(6) }),
    send: (payment) => pay(right, payment),
    forge: (psid) => inquire(forger, psid),
    forgePayment: (psid, amountPaisa) => pay(forger, { psid, amountPaisa, id: random.digits(6) }),
    garbage: (bytes) => httpGarbage(new URL('/onebill/BillPayment', options.baseUrl), bytes),
    close: () => Promise.resolve(),
  };
}
