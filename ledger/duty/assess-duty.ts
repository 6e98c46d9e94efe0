/** One call for those who have an input and a database: loads the book for its date and calculates. */
import { businessDate, type Clock } from '../../kernel/clock.ts';
import type { Queryable } from '../../kernel/database.ts';
import { calculateDuty, type DutyResult } from './calculate-duty.ts';
import { loadDutyBook } from './duty-book-store.ts';
import type { DutyInput } from './duty-input.ts';

/** Calculates the duty on the input's date, or on the clock's Karachi day when it has none. */
export async function assessDuty(
  db: Queryable,
  input: DutyInput,
  clock: Clock,
): Promise<DutyResult> {
  const book = await loadDutyBook(db, {
    date: input.date ?? businessDate(clock.now()),
    instrument: input.instrument,
    property: input.property,
  });
  return calculateDuty(input, book);
}
