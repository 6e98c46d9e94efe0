/** The fees and taxes that are collected with a duty. */
import { sumPaisa, type Paisa } from '../../kernel/money.ts';
import { chargeFigures, chargeText } from './charge.ts';
import type { Base } from './chargeable-value.ts';
import { ratesAssumed, remit, rowCharges, type RowCharge } from './charged-line.ts';
import { inForce, type DutyBook, type LevyRow, type RemissionRow } from './duty-book.ts';
import type { DutyInput } from './duty-input.ts';
import type { TraceStep } from './trace.ts';
import { PAYER_URDU } from './urdu.ts';

/** A levy as it was reckoned. */
export interface ChargedLevy {
  readonly row: LevyRow;
  /** What is to be paid; nothing when it was remitted whole. */
  readonly amount: Paisa;
  readonly assumed: boolean;
  readonly steps: readonly TraceStep[];
}

/** The standing that a levy asks for; undefined when the input does not state it. */
function statusOf(row: LevyRow, input: DutyInput): string | undefined {
  if (row.taxpayerStatus === 'any') return 'any';
  return row.payer === 'seller' ? input.seller : input.purchaser;
}

function leftOut(row: LevyRow): TraceStep {
  const payer = row.payer === 'seller' ? PAYER_URDU.seller : PAYER_URDU.purchaser;
  return {
    step: `left-out:${row.levy}`,
    text: `${row.title} is not in this calculation, because the taxpayer status of the ${row.payer} was not stated.`,
    textUrdu: `${row.titleUrdu} اس حساب میں شامل نہیں، کیونکہ ${payer} کی ٹیکس دہندہ حیثیت نہیں بتائی گئی۔`,
    figures: {},
    assumed: false,
  };
}

const NOTHING = {};

function levyStep(
  { row, base, amount }: RowCharge<LevyRow>,
  book: DutyBook,
  assumed: boolean,
): TraceStep {
  const words = chargeText(row, base, amount);
  const version = String(book.levyVersion.version);
  const who =
    row.payer === 'either'
      ? { en: '', ur: '' }
      : { en: `, paid by the ${row.payer}`, ur: `، بذمہ ${PAYER_URDU[row.payer]}` };
  return {
    step: `levy:${row.levy}`,
    text: `${row.title}${who.en} (levies, version ${version}): ${words.en}.`,
    textUrdu: `${row.titleUrdu}${who.ur} (محصولات، ورژن ${version}): ${words.ur}۔`,
    figures: chargeFigures(row, base, {
      version: book.levyVersion,
      amount,
      ...(row.taxpayerStatus === 'any'
        ? NOTHING
        : { also: ['taxpayerStatus', row.taxpayerStatus] }),
    }),
    source: row.source,
    assumed,
  };
}

function chargedLevy(
  rows: readonly LevyRow[],
  base: Base,
  context: {
    readonly input: DutyInput;
    readonly book: DutyBook;
    readonly remissions: readonly RemissionRow[];
  },
): ChargedLevy | undefined {
  const charges = rowCharges(rows, base, context.input.count);
  const row = charges?.[0]?.row;
  if (charges === undefined || row === undefined) return undefined;
  if (sumPaisa(charges.map((each) => each.amount)) === 0n) return undefined;
  const { book } = context;
  const assumed = ratesAssumed(charges, base);
  const left = remit(row.levy, charges, context.remissions, book.remissionVersion.version);
  return {
    row,
    amount: left.amount,
    assumed: assumed || (left.remission?.assumed ?? false),
    steps: [...charges.map((each) => levyStep(each, book, assumed)), ...left.steps],
  };
}

/** Every levy that goes with the instrument on the book's date, in the order of the file. */
export function chargeLevies(
  base: Base,
  context: {
    readonly input: DutyInput;
    readonly book: DutyBook;
    readonly remissions: readonly RemissionRow[];
  },
): { readonly charged: readonly ChargedLevy[]; readonly skipped: readonly TraceStep[] } {
  const { input, book } = context;
  const groups = new Map<string, LevyRow[]>();
  const skipped = new Map<string, TraceStep>();
  for (const row of book.levies) {
    if (!row.active || !row.instruments.includes(input.instrument) || !inForce(row, book.date)) {
      continue;
    }
    const status = statusOf(row, input);
    if (status === undefined) skipped.set(row.levy, leftOut(row));
    if (status !== row.taxpayerStatus) continue;
    const group = groups.get(row.levy);
    if (group === undefined) groups.set(row.levy, [row]);
    else group.push(row);
  }
  const charged = [...groups.values()].flatMap((rows) => {
    const levy = chargedLevy(rows, base, context);
    return levy === undefined ? [] : [levy];
  });
  return { charged, skipped: [...skipped.values()] };
}
