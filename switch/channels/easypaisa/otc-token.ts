/**
 * A token that the payer takes to an agent: asked of Easypaisa with a signed `initiate-otc-transaction`. Its `orderId`
 * carries the PSID and three digits of the attempt, so that the notification of its payment finds the challan.
 */
import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../../kernel/clock.ts';
import { Fault } from '../../../kernel/fault.ts';
import { isPsid, type Psid, type Random } from '../../../kernel/ids.ts';
import type { Bill } from '../../payment/index.ts';
import { isSignedBy } from './authentication.ts';
import { amountText, parseEnvelope } from './codec.ts';
import { fetchText } from './fetch-bounded.ts';
import type { EasypaisaSettings } from './settings.ts';
import { signedEnvelope } from './signature.ts';

export interface OtcTokenDeps {
  readonly settings: EasypaisaSettings;
  readonly signingKey: KeyObject;
  readonly clock: Clock;
  readonly random: Random;
}

export interface OtcToken {
  readonly token: string;
  readonly orderId: string;
  /** As the wallet wrote it. */
  readonly expires: string;
}

/** The PSID that an `orderId` of ours carries. */
export function psidOfOrder(orderId: string): Psid | undefined {
  const psid = orderId.slice(0, 17);
  return orderId.length === 20 && isPsid(psid) ? psid : undefined;
}

/**
 * Asks for a token. Refuses (`bad-input`) a bill that cannot be paid and a payer's number or address that is none;
 * (`config-invalid`) a participant without an account of ours; (`not-found`, `message-malformed`, `unauthorised`) a
 * wallet that does not answer, refuses, or whose answer it did not sign. A token that was not received costs nobody.
 */
export async function requestOtcToken(
  bill: Bill,
  payer: { readonly msisdn: string; readonly emailAddress: string },
  deps: OtcTokenDeps,
): Promise<OtcToken> {
  const { settings, signingKey, clock, random } = deps;
  if (settings.otc === undefined) {
    throw new Fault('config-invalid', 'There is no account to ask tokens with.');
  }
  const isPayer =
    /^03\d{9}$/.test(payer.msisdn) && /^[^\s@]{1,64}@[^\s@]{1,120}$/.test(payer.emailAddress);
  if (bill.status !== 'unpaid' || !isPayer) {
    throw new Fault('bad-input', 'The bill cannot be paid, or the payer cannot be reached.');
  }
  const orderId = bill.psid + random.digits(3);
  const request = {
    orderId,
    storeId: settings.storeId,
    transactionAmount: amountText(bill.amount),
    transactionType: 'OTC',
    msisdn: payer.msisdn,
    emailAddress: payer.emailAddress,
    tokenExpiry: `${bill.dueDate.replaceAll('-', '')} 235959`,
  };
  const text = await fetchText(new URL(`${settings.otc.baseUrl}/initiate-otc-transaction`), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      credentials: Buffer.from(settings.otc.credentials).toString('base64'),
    },
    body: signedEnvelope('request', request, signingKey),
  });
  const answer = parseEnvelope(text, 'response');
  if ('malformed' in answer) {
    throw new Fault('message-malformed', 'The wallet’s answer is malformed.');
  }
  const { fields } = answer;
  const isOurs = fields.get('orderId') === orderId && fields.get('storeId') === settings.storeId;
  if (!isSignedBy(answer, settings, clock.now()) || !isOurs) {
    throw new Fault('unauthorised', 'The wallet’s answer is not signed by it for this order.');
  }
  const token = fields.get('paymentToken') ?? '';
  if (fields.get('responseCode') !== '0000' || !/^\d{4,20}$/.test(token)) {
    throw new Fault('message-malformed', 'The wallet gave no token.', {
      fields: { responseCode: fields.get('responseCode') ?? '' },
    });
  }
  return { token, orderId, expires: fields.get('paymentTokenExpiryDateTime') ?? '' };
}
