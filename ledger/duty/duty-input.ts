/** What is asked of a calculation, and its JSON form for the API and the command line. */
import { z } from 'zod';
import type { BusinessDate } from '../../kernel/clock.ts';
import { parsePaisa, type Paisa } from '../../kernel/money.ts';
import { TAXPAYER_STATUSES, type TaxpayerStatus } from './duty-book.ts';
import { code, oneOf, propertySchema, type Property } from './property-input.ts';

export interface DutyInput {
  readonly instrument: string;
  /** Date of execution; the caller's today when absent. */
  readonly date?: BusinessDate | undefined;
  /** The consideration or amount that the deed states, for all of its properties together. */
  readonly declaredValue?: Paisa | undefined;
  /** What the deed is about; several when it passes several properties. */
  readonly properties: readonly Property[];
  /** Persons, pages or copies, for a duty that is charged for each. */
  readonly count?: number | undefined;
  /** Codes of the remissions that are claimed. */
  readonly remissions: readonly string[];
  /** Standing of the parties for the federal advance tax; the tax is left out, and said so, when absent. */
  readonly seller?: TaxpayerStatus | undefined;
  readonly purchaser?: TaxpayerStatus | undefined;
}

const PROPERTIES_MAX = 50;
const REMISSIONS_MAX = 10;
const COUNT_MAX = 10_000;

function isCalendarDay(text: string): boolean {
  const instant = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(instant.getTime()) && instant.toISOString().startsWith(text);
}

/**
 * The JSON form of a `DutyInput`: strict, money as digits of paisa, areas as text. An unknown key, a number
 * where text is asked for, or a unit that is not known is refused with a sentence that names what is right.
 */
export const dutyInputSchema = z
  .strictObject({
    instrument: code('instrument', 'conveyance'),
    date: z
      .string()
      .regex(/^\d{4}-\d{2}-\d{2}$/, 'must be a day written YYYY-MM-DD')
      .refine(isCalendarDay, 'must be a day of the calendar')
      .optional(),
    declaredValue: z
      .string({ error: 'must be paisa as text, digits only: "450000000" is Rs 45 lakh' })
      .regex(/^(0|[1-9]\d{0,14})$/, 'must be a whole number of paisa as text, digits only')
      .transform(parsePaisa)
      .optional(),
    property: propertySchema.optional(),
    properties: z.array(propertySchema).min(1).max(PROPERTIES_MAX).optional(),
    count: z
      .int('must be a whole number of persons, pages or copies')
      .min(1, 'must be at least 1')
      .max(COUNT_MAX, `must be at most ${String(COUNT_MAX)}`)
      .optional(),
    remissions: z
      .array(code('remissions', 'gift-within-family'))
      .max(REMISSIONS_MAX)
      .refine((codes) => new Set(codes).size === codes.length, 'must not name one twice')
      .optional(),
    seller: oneOf('seller', TAXPAYER_STATUSES).optional(),
    purchaser: oneOf('purchaser', TAXPAYER_STATUSES).optional(),
  })
  .refine((input) => input.property === undefined || input.properties === undefined, {
    message: 'state "property" or "properties", not both',
    path: ['properties'],
  })
  .transform(({ property, properties, remissions, ...rest }): DutyInput => ({
    ...rest,
    properties: properties ?? (property === undefined ? [] : [property]),
    remissions: remissions ?? [],
  }));
