/** Until when an unused stamp can be refunded (Stamp Act 1899 s. 50; Punjab Stamp Refund Rules 1954). */
import { businessDate, type BusinessDate } from '../../kernel/clock.ts';

const REFUND_MONTHS = 6;

/** The Karachi day six months after an instant; the last day of the month where that day does not exist. */
export function refundableUntil(issuedAt: Date): BusinessDate {
  const [year = 0, month = 1, day = 1] = businessDate(issuedAt).split('-').map(Number);
  const lastDay = new Date(Date.UTC(year, month - 1 + REFUND_MONTHS + 1, 0)).getUTCDate();
  const until = new Date(Date.UTC(year, month - 1 + REFUND_MONTHS, Math.min(day, lastDay)));
  return until.toISOString().slice(0, 10);
}
