/** The suite's driver of the OTC channel: one teller at one till. A void is its reversal, of what was sent before. */
import type { ConformanceAnswer, ConformanceDriver } from '../../channels/conformance.ts';
import { OtcTill, type OtcAnswer, type OtcOptions } from '../otc/index.ts';
import { httpGarbage } from './http-garbage.ts';

const STATUS: Readonly<Record<string, ConformanceAnswer['status']>> = {
  unpaid: 'unpaid',
  paid: 'paid',
  blocked: 'closed',
  expired: 'closed',
};

const text = (answer: OtcAnswer, name: string): string | undefined => {
  const value = answer.members.get(name);
  return typeof value === 'string' ? value : undefined;
};

function answerOf(answer: OtcAnswer): ConformanceAnswer {
  const [amount, authorisation] = [text(answer, 'amount'), text(answer, 'authorisation')];
  const status = STATUS[text(answer, 'status') ?? ''];
  return {
    approved: answer.responseCode === '00',
    code: answer.responseCode,
    ...(amount === undefined ? {} : { amountPaisa: BigInt(amount) }),
    ...(status === undefined ? {} : { status }),
    ...(authorisation === undefined ? {} : { authorisation }),
    wire: `${String(answer.httpStatus)} ${JSON.stringify([...answer.members])}`,
  };
}

/** Makes the driver and signs its teller in; throws when that is refused. */
export async function otcDriver(options: OtcOptions): Promise<ConformanceDriver> {
  const right = new OtcTill(options);
  // Never signed in, so that it bears no token.
  const forger = new OtcTill(options);
  const { responseCode } = await right.signIn();
  if (responseCode !== '00') throw new Error(`The teller could not sign in: ${responseCode}.`);
  const serials = new Map<string, string>();
  return {
    channel: 'otc',
    codes: {
      'unknown-psid': ['14'],
      'wrong-amount': ['13'],
      'already-paid': ['93'],
      expired: ['54'],
      limit: ['61'],
      'key-reused': ['94'],
      'reversed-before': ['68'],
      'unknown-payment': ['25'],
      'reversal-mismatch': ['77'],
      'stamp-used': ['P1'],
      blocked: ['62'],
      unavailable: ['91'],
      busy: ['91'],
      malfunction: ['96'],
      unauthorised: ['63'],
    },
    inquire: async (psid) => answerOf(await right.inquire(psid)),
    prepare: (psid, amountPaisa) => ({ psid, amountPaisa, id: options.random.digits(20) }),
    async send({ psid, amountPaisa, id }) {
      const answer = await right.pay({ code: psid, amountPaisa, idempotencyKey: id });
      const serial = text(answer, 'serial');
      if (serial !== undefined) serials.set(id, serial);
      return answerOf(answer);
    },
    reverse: async ({ id }) => answerOf(await right.void(serials.get(id) ?? '9999999')),
    reversalHasAmount: false,
    reversesUnsent: false,
    forge: async (psid) => answerOf(await forger.inquire(psid)),
    forgePayment: async (psid, amountPaisa) =>
      answerOf(await forger.pay({ code: psid, amountPaisa })),
    garbage: (bytes) => httpGarbage(new URL('/otc/payment', options.baseUrl), bytes),
    async close() {
      await right.signOut();
    },
  };
}
