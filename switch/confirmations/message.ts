/** What a payer is told: one SMS of Latin letters (160 characters), and an e-mail with the same facts. */
import { printedTime } from '../../kernel/clock.ts';
import { formatRupees } from '../../kernel/money.ts';
import { receiptNumber } from '../../ledger/index.ts';
import type { PostedEntry } from '../../reconciliation/index.ts';

export type Means = 'sms' | 'email';

export interface Message {
  readonly subject: string;
  readonly body: string;
}

/** The text for a payment that was posted or reversed. */
export function confirmationOf(entry: PostedEntry, means: Means): Message {
  const amount = formatRupees(entry.amount);
  const receipt = receiptNumber(entry.paymentId);
  const posted = entry.kind === 'payment';
  const subject = posted ? `Payment received: ${entry.psid}` : `Payment reversed: ${entry.psid}`;
  if (means === 'sms')
    return {
      subject,
      body: posted
        ? `Received Rs ${amount} for PSID ${entry.psid}. Receipt ${receipt}, bank ref ${entry.reference}.`
        : `Reversed: Rs ${amount} for PSID ${entry.psid}. Your bank returns it. Bank ref ${entry.reference}.`,
    };
  const lines = [
    posted
      ? `Your payment has been received on ${printedTime(entry.paidAt)}.`
      : `Your payment of ${printedTime(entry.paidAt)} was reversed on ${printedTime(entry.at)}. Your bank returns the money.`,
    '',
    `Amount: Rs ${amount}`,
    `PSID: ${entry.psid}`,
    ...(posted ? [`Receipt: ${receipt}`] : []),
    `Paid through: ${entry.participant}, reference ${entry.reference}`,
    '',
    'Nobody of the government asks you for a PIN or a password by telephone or message.',
  ];
  return { subject, body: lines.join('\n') };
}
