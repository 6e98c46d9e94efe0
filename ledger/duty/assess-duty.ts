/** One call for those who have an input and a database: takes the book for its date and calculates. */
import { businessDate, type Clock } from '../../kernel/clock.ts';
import type { Queryable } from '../../kernel/database.ts';
import { calculateDuty, type DutyResult } from './calculate-duty.ts';
import { loadDutyBook } from './duty-book-store.ts';
import { DutyBooks } from './duty-books.ts';
import type { DutyInput } from './duty-input.ts';

/**
 * Calculates the duty on the input's date, or on the clock's Karachi day when it has none. A program that
 * calculates often passes `DutyBooks`, which answers from memory; one that calculates once passes its database.
 */
export async function assessDuty(
  from: Queryable | DutyBooks,
  input: DutyInput,
  clock: Clock,
): Promise<DutyResult> {
  const query = {
    date: input.date ?? businessDate(clock.now()),
    instrument: input.instrument,
    properties: input.properties,
  };
  const book = from instanceof DutyBooks ? await from.book(query) : await loadDutyBook(from, query);
  return calculateDuty(input, book);
}
