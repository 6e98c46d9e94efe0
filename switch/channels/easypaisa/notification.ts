/**
 * The instant payment notification: Easypaisa calls with an address, from which we fetch what was paid. Only the origin
 * of the participant's settings is ever fetched, so the caller cannot send us anywhere else.
 */
import { Fault } from '../../../kernel/fault.ts';
import type { ResultCode } from '../../../kernel/result-code.ts';
import type { Participant } from '../../participants/index.ts';
import type { PaymentEngine, PaymentRequest } from '../../payment/index.ts';
import { isSignedBy } from './authentication.ts';
import { parseAmount, parseEnvelope, parseFlatObject, type Fields } from './codec.ts';
import { fetchText } from './fetch-bounded.ts';
import { psidOfOrder } from './otc-token.ts';
import type { EasypaisaSettings } from './settings.ts';

const ADDRESS_MAX = 1_024;

/** The address to fetch, when it is of the participant's own origin. */
export function notificationUrl(text: string, settings: EasypaisaSettings): URL | undefined {
  if (text.length > ADDRESS_MAX || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isPlain = url.username === '' && url.password === '' && url.hash === '';
  return isPlain && url.origin === settings.ipn?.origin ? url : undefined;
}

/** Reads the fetched document: signed, or plain where the settings allow it. */
function readNotification(
  text: string,
  settings: EasypaisaSettings,
  now: Date,
): Fields | undefined {
  if (settings.ipn?.signed === false) return parseFlatObject(text);
  const envelope = parseEnvelope(text, 'response');
  if ('malformed' in envelope || !isSignedBy(envelope, settings, now)) return undefined;
  return envelope.fields;
}

/** The payment that a notification tells of; `nothing-paid` when it tells of none, undefined when it makes no sense. */
function adviceOf(
  fields: Fields,
  participant: Participant,
  settings: EasypaisaSettings,
): PaymentRequest | 'nothing-paid' | undefined {
  const field = (name: string): string => fields.get(name) ?? '';
  const orderId = field('order_id');
  const transactionId = field('transaction_id');
  const isOurs = field('store_id') === settings.storeId && /^[0-9A-Za-z]{1,24}$/.test(orderId);
  if (!isOurs) return undefined;
  if (field('transaction_status') !== 'PAID') return 'nothing-paid';
  const amount = parseAmount(field('transaction_amount'));
  if (amount === undefined || !/^[0-9A-Za-z]{1,24}$/.test(transactionId)) return undefined;
  return {
    channel: 'easypaisa',
    participant: participant.code,
    requestKey: `N|${orderId}|${transactionId}`,
    // Money for an order that is not ours is kept in suspense under the order's own number.
    psid: psidOfOrder(orderId) ?? orderId.slice(0, 17),
    amount,
    reference: transactionId,
    advice: true,
  };
}

/** Fetches and posts one notification. `format-error`: there was nothing there that could be believed. */
export async function takeNotification(
  url: URL,
  sender: { readonly participant: Participant; readonly settings: EasypaisaSettings },
  deps: { readonly engine: PaymentEngine; readonly now: Date },
): Promise<ResultCode> {
  const { participant, settings } = sender;
  let text: string;
  try {
    text = await fetchText(url);
  } catch (error) {
    // Told again later, it will be fetched again.
    if (error instanceof Fault) return 'system-malfunction';
    throw error;
  }
  const fields = readNotification(text, settings, deps.now);
  if (fields === undefined) return 'unauthorised';
  const advice = adviceOf(fields, participant, settings);
  if (advice === undefined) return 'format-error';
  if (advice === 'nothing-paid') return 'approved';
  return (await deps.engine.pay(advice)).result;
}
