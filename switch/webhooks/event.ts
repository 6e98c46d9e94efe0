/** What a department is told: the document that is signed and sent, the same bytes at every attempt. */
import type { PostedEntry } from '../../reconciliation/index.ts';
import { receiptNumber } from '../../ledger/index.ts';

/** A challan as its department knows it; no name, CNIC or contact of a person is in an event. */
export interface EventSubject {
  readonly challanNumber: string;
  /** How the challan stands when the event is written. */
  readonly state: 'payable' | 'paid' | 'cancelled';
  readonly amount: bigint;
  readonly departmentCode: string;
  readonly serviceCode?: string;
  readonly reference?: string;
}

export type EventKind = 'payment.posted' | 'payment.reversed';

/** What kind of event tells of a journal entry. */
export function eventKind(entry: Pick<PostedEntry, 'kind'>): EventKind {
  return entry.kind === 'payment' ? 'payment.posted' : 'payment.reversed';
}

/** Id of an event as it goes out: the shard and the row. */
export function eventIdText(shard: number, eventId: bigint): string {
  return `evt_${String(shard).padStart(2, '0')}_${eventId.toString()}`;
}

/** Reads it back; undefined when it is none. */
export function parseEventId(
  text: string,
): { readonly shard: number; readonly eventId: bigint } | undefined {
  const [, shard, id] = /^evt_(\d{2})_(\d{1,18})$/.exec(text) ?? [];
  return shard === undefined || id === undefined
    ? undefined
    : { shard: Number(shard), eventId: BigInt(id) };
}

/** The document: `type`, `timestamp` and `data` as Standard Webhooks asks for. */
export function eventBody(
  entry: PostedEntry,
  subject: EventSubject,
  stamp: { readonly id: string; readonly version: number; readonly at: Date },
): string {
  const posted = entry.kind === 'payment';
  return JSON.stringify({
    id: stamp.id,
    type: eventKind(entry),
    timestamp: stamp.at.toISOString(),
    data: {
      psid: entry.psid,
      version: stamp.version,
      challanNumber: subject.challanNumber,
      department: subject.departmentCode,
      service: subject.serviceCode,
      reference: subject.reference,
      amount: subject.amount.toString(),
      state: subject.state,
      payment: {
        receiptNumber: receiptNumber(entry.paymentId),
        amount: entry.amount.toString(),
        paidAt: entry.paidAt.toISOString(),
        state: posted ? 'posted' : 'reversed',
        reversedAt: posted ? undefined : entry.at.toISOString(),
        participant: entry.participant,
        bankReference: entry.reference,
        authorisation: entry.authorisation,
      },
    },
  });
}
