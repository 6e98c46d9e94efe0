/**
 * From an ISO 8583 request to the canonical inquiry, payment or reversal. What cannot be read is refused with
 * a result code and, for a format error, the number of the field (docs/spec/iso8583.md, "Messages").
 */
import { isPsid, type Psid } from '../../../kernel/ids.ts';
import { paisa, type Paisa } from '../../../kernel/money.ts';
import type { ResultCode } from '../../../kernel/result-code.ts';
import type { Inquiry, PaymentRequest, ReversalRequest } from '../../payment/index.ts';
import { parseBillReference, parseOriginalData, transmissionInstant } from './bill-data.ts';
import type { IsoMessage } from './message.ts';
import type { Iso8583Profile } from './profile.ts';

export type CanonicalRequest =
  | { readonly kind: 'inquiry'; readonly request: Inquiry }
  | { readonly kind: 'payment'; readonly request: PaymentRequest }
  | { readonly kind: 'reversal'; readonly request: ReversalRequest }
  /** `field` is the data element at fault, when it is one. */
  | { readonly kind: 'refused'; readonly result: ResultCode; readonly field?: number };

type Refused = Extract<CanonicalRequest, { kind: 'refused' }>;

const refused = (result: ResultCode): Refused => ({ kind: 'refused', result });
const malformedField = (field: number): Refused => ({
  kind: 'refused',
  result: 'format-error',
  field,
});

/** Message classes as they stand in request keys: all of 02xx share one, so a repeat and an advice do too. */
const FINANCIAL = '02';
const REVERSAL = '04';
const CHANNEL = 'iso8583';

const ALWAYS = [3, 7, 11, 32, 37, 41, 48] as const;
const WITH_MONEY = [4, 49] as const;

interface KeyParts {
  readonly participant: string;
  readonly messageClass: string;
  readonly stan: string;
  readonly rrn: string;
  readonly terminal: string;
  /** DE 7 with its year. */
  readonly transmission: string;
}

function requestKey(parts: KeyParts): string {
  const { participant, messageClass, stan, rrn, terminal, transmission } = parts;
  return [
    participant.slice(0, 64),
    messageClass,
    stan,
    rrn.trimEnd(),
    terminal.trimEnd(),
    transmission,
  ].join('/');
}

/** What every request of the line has in common, checked. */
interface Common {
  readonly psid: Psid;
  readonly stan: string;
  readonly rrn: string;
  readonly terminal: string;
  readonly transmission: string;
}

function readCommon(message: IsoMessage, profile: Iso8583Profile, now: Date): Common | Refused {
  const { fields } = message;
  for (const number of ALWAYS) if (!fields.has(number)) return malformedField(number);
  // No PIN is wanted on this line: a message with one is refused unread (TRUST, D).
  if (fields.has(52)) return malformedField(52);
  const transmission = transmissionInstant(fields.get(7) ?? '', now);
  if (transmission === undefined) return malformedField(7);
  const rrn = fields.get(37) ?? '';
  if (rrn.trim() === '') return malformedField(37);
  const reference = parseBillReference(fields.get(48) ?? '');
  if (reference === undefined) return malformedField(48);
  if (reference.companyCode !== profile.companyCode || !isPsid(reference.consumerNumber))
    return refused('unknown-consumer');
  return {
    psid: reference.consumerNumber,
    stan: fields.get(11) ?? '',
    rrn,
    terminal: fields.get(41) ?? '',
    transmission,
  };
}

function readAmount(message: IsoMessage, profile: Iso8583Profile): Paisa | Refused {
  for (const number of WITH_MONEY) if (!message.fields.has(number)) return malformedField(number);
  if (message.fields.get(49) !== profile.currency) return refused('invalid-transaction');
  // The codec has let only twelve digits through.
  return paisa(BigInt(message.fields.get(4) ?? '0'));
}

/** Reads a 0200, 0201, 0220 or 0221 of a signed-on participant. */
export function toFinancial(
  message: IsoMessage,
  participant: string,
  context: { readonly profile: Iso8583Profile; readonly now: Date },
): CanonicalRequest {
  const { profile } = context;
  const common = readCommon(message, profile, context.now);
  if ('kind' in common) return common;
  const advice = message.mti[2] === '2';
  const code = message.fields.get(3);
  if (code === profile.inquiryCode && !advice) {
    return { kind: 'inquiry', request: { channel: CHANNEL, participant, psid: common.psid } };
  }
  if (code !== profile.paymentCode) return refused('invalid-transaction');
  const amount = readAmount(message, profile);
  if (typeof amount !== 'bigint') return amount;
  return {
    kind: 'payment',
    request: {
      channel: CHANNEL,
      participant,
      requestKey: requestKey({ ...common, participant, messageClass: FINANCIAL }),
      psid: common.psid,
      amount,
      reference: common.rrn.trimEnd(),
      ...(advice ? { advice } : {}),
    },
  };
}

/**
 * Reads a 0400, 0401, 0420 or 0421. The original's key is made again from DE 90 (class, STAN, transmission
 * date), DE 37 and DE 41, which a reversal carries unchanged. A partial reversal (DE 95) is not offered.
 */
export function toReversal(
  message: IsoMessage,
  participant: string,
  context: { readonly profile: Iso8583Profile; readonly now: Date },
): CanonicalRequest {
  const common = readCommon(message, context.profile, context.now);
  if ('kind' in common) return common;
  if (message.fields.get(3) !== context.profile.paymentCode) return refused('invalid-transaction');
  const amount = readAmount(message, context.profile);
  if (typeof amount !== 'bigint') return amount;
  const elements = message.fields.get(90);
  if (elements === undefined) return malformedField(90);
  if (/[1-9]/.test(message.fields.get(95) ?? '')) return refused('invalid-transaction');
  const original = parseOriginalData(elements);
  const transmission = transmissionInstant(original.transmission, context.now);
  if (!original.mti.startsWith(FINANCIAL) || transmission === undefined) return malformedField(90);
  const acquirer = (message.fields.get(32) ?? '').padStart(11, '0');
  if (/[1-9]/.test(original.acquirer) && original.acquirer !== acquirer)
    return refused('reversal-mismatch');
  return {
    kind: 'reversal',
    request: {
      channel: CHANNEL,
      participant,
      requestKey: requestKey({ ...common, participant, messageClass: REVERSAL }),
      originalKey: requestKey({
        ...common,
        participant,
        messageClass: FINANCIAL,
        stan: original.stan,
        transmission,
      }),
      psid: common.psid,
      amount,
    },
  };
}
