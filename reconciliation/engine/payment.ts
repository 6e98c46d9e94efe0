/**
 * The canonical messages between a channel and the engine. A channel turns its own wire format into these and
 * back; the engine knows no wire format. Amounts are paisa, instants UTC, business dates Karachi days.
 */
import type { BusinessDate } from '../../kernel/clock.ts';
import type { Psid, StampId } from '../../kernel/ids.ts';
import type { Paisa } from '../../kernel/money.ts';
import type { ResultCode } from '../../kernel/result-code.ts';

export type ChannelName = 'iso8583' | 'onebill' | 'jazzcash' | 'easypaisa' | 'otc';

/** What a payer's bank is told about a challan. */
export interface Bill {
  readonly psid: Psid;
  /** The payer's name as the channel may show it. */
  readonly consumerName: string;
  readonly status: 'unpaid' | 'paid' | 'blocked' | 'expired';
  readonly amount: Paisa;
  /** Last day on which it can be paid; there is no later, dearer amount for a challan 32-A. */
  readonly dueDate: BusinessDate;
  /** The Karachi day on which the challan was made. */
  readonly billedOn: BusinessDate;
  /** Present when it was paid. */
  readonly paid?: {
    readonly on: BusinessDate;
    readonly amount: Paisa;
    readonly authorisation: string;
  };
}

export interface Inquiry {
  readonly channel: ChannelName;
  /** Code of the participant that asks, as registered. */
  readonly participant: string;
  readonly psid: Psid;
}

export type InquiryAnswer =
  { readonly ok: true; readonly bill: Bill } | { readonly ok: false; readonly result: ResultCode };

export interface PaymentRequest {
  readonly channel: ChannelName;
  readonly participant: string;
  /**
   * What makes this request itself and no other, built by the channel from the fields its standard names
   * (ISO 8583: STAN, RRN, terminal and transmission date; 1BILL: tran_auth_id, date and bank). At most 120
   * characters. The same key with the same content is answered as before; with other content it is refused.
   */
  readonly requestKey: string;
  readonly psid: Psid;
  readonly amount: Paisa;
  /** The payer's reference at the bank (RRN, tran_auth_id), kept for reconciliation. At most 40 characters. */
  readonly reference: string;
  /**
   * True when the bank tells of a payment already made (0220): it cannot be undone by refusing it. When the
   * challan cannot be paid with it, the money is posted to suspense and the answer is `in-suspense`.
   */
  readonly advice?: boolean;
  /** Pays from this hold (a vendor's float, an imprest) instead of the participant's settlement account. */
  readonly hold?: bigint;
}

export interface PaymentAnswer {
  readonly result: ResultCode;
  /** True when this very request was answered before and this is that answer. */
  readonly repeated: boolean;
  /** Row id of the payment; present when it was approved. */
  readonly paymentId?: bigint;
  /** Six digits by which the switch names this payment; present when it was posted. */
  readonly authorisation?: string;
  readonly postedAt?: Date;
  readonly businessDate?: BusinessDate;
  /** The e-stamps issued by this payment. */
  readonly stampIds: readonly StampId[];
}

export interface ReversalRequest {
  readonly channel: ChannelName;
  readonly participant: string;
  readonly requestKey: string;
  /** The `requestKey` of the payment to reverse. */
  readonly originalKey: string;
  readonly psid: Psid;
  readonly amount: Paisa;
}

export interface ReversalAnswer {
  /**
   * `approved` when the payment was reversed, now or by an earlier reversal; `original-not-found` when it is
   * unknown (the key is then remembered, and a late payment under it is refused with `reversed-before`);
   * `reversal-mismatch`; `stamp-used`; `blocked` (what an advice left in suspense was applied meanwhile);
   * `busy`; `system-malfunction`.
   */
  readonly result: ResultCode;
  readonly repeated: boolean;
}

/** What a channel needs of the engine. Every answer that is not `busy` or `system-malfunction` is durable. */
export interface PaymentEngine {
  inquire(inquiry: Inquiry): Promise<InquiryAnswer>;
  pay(request: PaymentRequest): Promise<PaymentAnswer>;
  reverse(request: ReversalRequest): Promise<ReversalAnswer>;
}
