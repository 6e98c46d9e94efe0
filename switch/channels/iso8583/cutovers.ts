/** Cutovers (0800, DE 70 = 201): a participant says that it has begun its next business date. */
import { businessDate, type BusinessDate } from '../../../kernel/clock.ts';
import { sql, type Queryable } from '../../../kernel/database.ts';

export interface Cutover {
  /** Code as registered. */
  readonly participant: string;
  /** The business date that begins. */
  readonly businessDate: BusinessDate;
  readonly announcedAt: Date;
  readonly stan: string;
}

/** Where cutovers are kept; the same one twice is one. */
export interface Iso8583Cutovers {
  record(cutover: Cutover): Promise<void>;
}

const DAY_MS = 86_400_000;
/** A business date that lies further away than this is a mistake. */
const DAYS_MAX = 7;

/**
 * The business date that a cutover announces: DE 15 (MMDD), in the year that puts it nearest to now; without DE 15
 * tomorrow in Karachi [A]. Undefined for a day that is none, or is more than a week away.
 */
export function announcedDate(settlement: string | undefined, now: Date): BusinessDate | undefined {
  if (settlement === undefined) return businessDate(new Date(now.getTime() + DAY_MS));
  for (let days = -DAYS_MAX; days <= DAYS_MAX; days += 1) {
    const date = businessDate(new Date(now.getTime() + days * DAY_MS));
    if (date.slice(5).replace('-', '') === settlement) return date;
  }
  return undefined;
}

/** Keeps cutovers in the table `participant_cutover`. */
export function makeCutovers(database: Queryable): Iso8583Cutovers {
  return {
    async record({ participant, businessDate: date, announcedAt, stan }) {
      await database.query(sql`
        insert into participant_cutover (participant_code, business_date, announced_at, stan)
        values (${participant}, ${date}::date, ${announcedAt}, ${stan})
        on conflict (participant_code, business_date) do nothing`);
    },
  };
}
