/**
 * Requests as a bank's switch builds them, from docs/spec/iso8583.md and not from the channel's code. Amounts
 * are paisa; DE 7 is UTC, DE 12 and 13 are Karachi time.
 */
import { karachiTime } from '../../../kernel/clock.ts';
import type { IsoMessage } from '../../channels/iso8583/index.ts';

/** Who sends, and the numbers that make one request itself and no other. */
export interface RequestFrame {
  readonly institutionId: string;
  readonly terminalId: string;
  readonly cardAcceptorId: string;
  readonly now: Date;
  readonly stan: string;
}

const COMPANY = 'SANAD   ';

/** DE 7: MMDDhhmmss, UTC. */
function transmission(now: Date): string {
  return now.toISOString().slice(5, 19).replace(/[-T:]/g, '');
}

/** Retrieval reference number: last digit of the year, day of the year, hour, STAN. */
function retrievalReference(now: Date, stan: string): string {
  const firstOfYear = Date.UTC(now.getUTCFullYear(), 0, 1);
  const day = Math.floor((now.getTime() - firstOfYear) / 86_400_000) + 1;
  const hour = String(now.getUTCHours()).padStart(2, '0');
  return `${String(now.getUTCFullYear() % 10)}${String(day).padStart(3, '0')}${hour}${stan}`;
}

/** 0800 with the network management code in DE 70. */
export function networkRequest(frame: RequestFrame, code: string): IsoMessage {
  const fields = new Map([
    [7, transmission(frame.now)],
    [11, frame.stan],
    [32, frame.institutionId],
    [70, code],
  ]);
  return { mti: '0800', fields };
}

/** A bill inquiry (no amount) or a bill payment. */
export function billRequest(
  frame: RequestFrame,
  bill: { readonly mti: string; readonly psid: string; readonly amountPaisa?: bigint },
): IsoMessage {
  const local = karachiTime(frame.now);
  const fields = new Map([
    [3, bill.amountPaisa === undefined ? '300000' : '500000'],
    [7, transmission(frame.now)],
    [11, frame.stan],
    [12, local.hour + local.minute + local.second],
    [13, local.month + local.day],
    [18, '6011'],
    [32, frame.institutionId],
    [37, retrievalReference(frame.now, frame.stan)],
    [41, frame.terminalId.padEnd(8)],
    [42, frame.cardAcceptorId.padEnd(15)],
    [43, 'SIMULATED TERMINAL       LAHORE       PK'],
    [48, COMPANY + bill.psid.padEnd(24)],
    [49, '586'],
  ]);
  if (bill.amountPaisa !== undefined) fields.set(4, bill.amountPaisa.toString().padStart(12, '0'));
  return { mti: bill.mti, fields };
}

/** A 0420 for a payment: its fields again with an own STAN and DE 7, and DE 90 that names it. */
export function reversalRequest(frame: RequestFrame, original: IsoMessage): IsoMessage {
  const field = (number: number): string => original.fields.get(number) ?? '';
  // DE 90 names the first message, not its repeat.
  const mti = `${original.mti.slice(0, 3)}0`;
  const fields = new Map(original.fields);
  fields.set(7, transmission(frame.now));
  fields.set(11, frame.stan);
  fields.set(
    90,
    mti + field(11) + field(7) + frame.institutionId.padStart(11, '0') + '0'.repeat(11),
  );
  return { mti: '0420', fields };
}

/** The repeat of a request: nothing but the last digit of the message type differs. */
export function repeatOf(request: IsoMessage): IsoMessage {
  return { mti: `${request.mti.slice(0, 3)}1`, fields: request.fields };
}

/** The approval of a 0800 that the switch sends: an echo or its sign-on. */
export function networkAnswer(request: IsoMessage): IsoMessage {
  const fields = new Map(request.fields);
  fields.delete(64);
  fields.delete(128);
  return { mti: '0810', fields: fields.set(39, '00') };
}
