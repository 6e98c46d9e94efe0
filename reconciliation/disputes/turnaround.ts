/**
 * The clock of a dispute. The State Bank's turnaround for complaints about settlement and repayment is seven working
 * days (khushhalibank.com.pk/complaint-process; 15 at most); Saturday and Sunday are no working days, and public
 * holidays are not known here. [A]
 */
import { businessDate } from '../../kernel/clock.ts';

const WORKING_DAYS = 7;
const DAY_MS = 86_400_000;
/** Karachi is five hours ahead of UTC the whole year. */
const KARACHI_MS = 5 * 3_600_000;
/** An advice comes within a day, or never. [A] */
export const WAIT_MS = DAY_MS;
/** Time between two looks at a dispute that is not decided yet. [A] */
export const LOOK_EVERY_MS = 15 * 60_000;

/** The end of the seventh working day after the Karachi day of an instant. */
export function dueAt(openedAt: Date): Date {
  let day = Date.parse(`${businessDate(openedAt)}T00:00:00Z`);
  for (let left = WORKING_DAYS; left > 0;) {
    day += DAY_MS;
    const weekday = new Date(day).getUTCDay();
    if (weekday !== 0 && weekday !== 6) left -= 1;
  }
  return new Date(day + DAY_MS - KARACHI_MS);
}
