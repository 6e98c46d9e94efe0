/**
 * Paying a challan with a wallet of the payer's choice: a token that he takes to an Easypaisa agent, or a JazzCash
 * voucher that his browser asks for. The payment itself comes by the wallet's notification (switch/channels). Whoever
 * holds the challan's access token may ask.
 */
import type { KeyObject } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Clock } from '../../../kernel/clock.ts';
import { Fault } from '../../../kernel/fault.ts';
import type { Psid, Random } from '../../../kernel/ids.ts';
import { parseEasypaisaSettings, requestOtcToken } from '../../channels/easypaisa/index.ts';
import { parseJazzCashSettings, voucherFields } from '../../channels/jazzcash/index.ts';
import type { FullDirectory, NamedParticipant, SecretOpener } from '../../participants/index.ts';
import type { Bill, PaymentEngine } from '../../payment/index.ts';
import { accessTokenOf } from '../access-token.ts';
import { psid } from '../fields.ts';
import { limitRate, RateLimit } from '../rate-limit.ts';
import type { ApiServices } from '../services.ts';
import { BEARER, found, problem } from './route.ts';

/** Tokens and vouchers a minute from one address: each may ask a wallet outside. */
const ASKED_PER_MINUTE = 10;

export interface WalletApiDeps {
  readonly engine: PaymentEngine;
  readonly participants: FullDirectory;
  readonly secrets: SecretOpener;
  /** Our key toward Easypaisa. */
  readonly signingKey: KeyObject;
  /** Opens a challan with its access token. */
  readonly services: Pick<ApiServices, 'stampsOfChallan'>;
  /** Where the gateway sends the payer's browser afterwards. */
  readonly returnUrl: () => string;
  readonly clock: Clock;
  readonly random: Random;
}

const body = z
  .discriminatedUnion('wallet', [
    z.strictObject({
      wallet: z.literal('easypaisa'),
      mobile: z.string().regex(/^03\d{9}$/, 'must be 03 and nine digits'),
      email: z.email().max(180),
    }),
    z.strictObject({ wallet: z.literal('jazzcash') }),
  ])
  .meta({ examples: [{ wallet: 'easypaisa', mobile: '03001234567', email: 'payer@example.com' }] });

const answer = z
  .discriminatedUnion('wallet', [
    z.object({
      wallet: z.literal('easypaisa'),
      /** What the payer tells the agent. */
      token: z.string(),
      /** As the wallet wrote it. */
      expires: z.string(),
    }),
    z.object({
      wallet: z.literal('jazzcash'),
      /** The page to which the payer's browser posts the fields. */
      postUrl: z.string(),
      fields: z.record(z.string(), z.string()),
    }),
  ])
  .meta({ examples: [{ wallet: 'easypaisa', token: '12345678', expires: '20261208 235959' }] });

type Answer = z.output<typeof answer>;

function noWallet(): never {
  throw new Fault('not-found', 'No participant offers this way to pay.');
}

/** The bill as this participant would see it. Refuses (`conflict`) one that cannot be paid. */
async function payableBill(
  challan: Psid,
  { participant }: NamedParticipant,
  { engine }: WalletApiDeps,
): Promise<Bill> {
  const asked = await engine.inquire({
    channel: participant.channel,
    participant: participant.code,
    psid: challan,
  });
  if (!asked.ok || asked.bill.status !== 'unpaid')
    throw new Fault('conflict', 'The challan cannot be paid any more.');
  return asked.bill;
}

async function easypaisaToken(
  challan: Psid,
  payer: { readonly msisdn: string; readonly emailAddress: string },
  deps: WalletApiDeps,
): Promise<Answer> {
  for (const named of await deps.participants.ofChannel('easypaisa')) {
    const settings = parseEasypaisaSettings(named.participant, deps.secrets);
    if (settings.otc === undefined) continue;
    const bill = await payableBill(challan, named, deps);
    try {
      const { token, expires } = await requestOtcToken(bill, payer, { ...deps, settings });
      return { wallet: 'easypaisa', token, expires };
    } catch (cause) {
      // Whatever is wrong between the wallet and us, the payer can only come again or pay otherwise.
      throw new Fault('overloaded', 'The wallet gives no token now; try again or pay otherwise.', {
        cause,
      });
    }
  }
  return noWallet();
}

async function jazzCashVoucher(challan: Psid, deps: WalletApiDeps): Promise<Answer> {
  for (const named of await deps.participants.ofChannel('jazzcash')) {
    const settings = parseJazzCashSettings(named.participant, deps.secrets);
    const { voucherUrl: postUrl, merchantPassword } = settings;
    if (postUrl === undefined || merchantPassword === undefined) continue;
    const bill = await payableBill(challan, named, deps);
    const { participant, username: merchantId } = named;
    const { clock, random } = deps;
    const fields = voucherFields(bill, {
      participant,
      settings,
      merchantId,
      returnUrl: deps.returnUrl(),
      clock,
      random,
    });
    return { wallet: 'jazzcash', postUrl, fields };
  }
  return noWallet();
}

/** Adds `POST /v1/challans/:psid/wallet-payments` to a Fastify instance. */
export function walletApi(deps: WalletApiDeps): (app: FastifyInstance) => Promise<void> {
  const limit = limitRate(new RateLimit(deps.clock, ASKED_PER_MINUTE));
  return async (app) => {
    app.withTypeProvider<ZodTypeProvider>().route({
      method: 'POST',
      url: '/v1/challans/:psid/wallet-payments',
      onRequest: limit,
      schema: {
        tags: ['Challans'],
        operationId: 'startWalletPayment',
        summary: 'A token for an Easypaisa agent, or the signed fields of a JazzCash voucher',
        security: BEARER,
        params: z.object({ psid }),
        body,
        response: {
          200: answer,
          400: problem('The PSID was mistyped, or the request is malformed.'),
          401: problem('The access token is missing or malformed.'),
          404: problem('No such challan, the token does not open it, or no wallet offers this.'),
          409: problem('The challan cannot be paid any more.'),
          429: problem('Too many requests from this address.'),
          503: problem('The wallet does not answer.'),
        },
      },
      async handler(request) {
        const challan = request.params.psid;
        found(await deps.services.stampsOfChallan(challan, accessTokenOf(request)));
        const asked = request.body;
        return asked.wallet === 'jazzcash'
          ? jazzCashVoucher(challan, deps)
          : easypaisaToken(challan, { msisdn: asked.mobile, emailAddress: asked.email }, deps);
      },
    });
    await Promise.resolve();
  };
}
