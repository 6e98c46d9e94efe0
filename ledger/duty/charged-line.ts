/** One line of a calculation as it is reckoned: the rows that apply, their amounts, and what is remitted of them. */
import { paisa, sumPaisa, ZERO, type Paisa } from '../../kernel/money.ts';
import { percentOf } from '../../kernel/rate.ts';
import type { Base } from './chargeable-value.ts';
import { charge, percentOfValue, type ChargeBase } from './charge.ts';
import {
  dependsOnValue,
  inForce,
  matches,
  type DatedRow,
  type DutyBook,
  type RemissionRow,
} from './duty-book.ts';
import type { DutyInput } from './duty-input.ts';
import { refuse, type DutyRefusal } from './refusal.ts';
import { rupeesText, rupeesUrdu, type TraceStep } from './trace.ts';
import { portionsOf } from './valuation.ts';

/** A row and what it is applied to. */
export interface RowCharge<R extends DatedRow> {
  readonly row: R;
  readonly base: ChargeBase;
  readonly amount: Paisa;
}

/**
 * The rows that apply, each with the value it is applied to: one row on the whole value, or, when a deed has urban
 * and rural property and their rates differ, one row for each part. Limits of value look at the whole. Undefined
 * when no row applies or a value or count is missing.
 */
export function rowCharges<R extends DatedRow>(
  rows: readonly R[],
  base: Base,
  count: number | undefined,
): readonly RowCharge<R>[] | undefined {
  const portions = portionsOf(base.deed, base.chargeable) ?? [
    { setting: undefined, value: base.chargeable },
  ];
  const found: { row: R; value: Paisa | undefined }[] = [];
  for (const portion of portions) {
    const row = rows.find((each) => matches(each, portion.setting, base.chargeable));
    if (row === undefined) return undefined;
    if (portion.value !== 0n || portions.length === 1) found.push({ row, value: portion.value });
  }
  const [first] = found;
  if (first === undefined) return undefined;
  const same = found.every((each) => each.row === first.row);
  const applied = same ? [{ row: first.row, value: base.chargeable }] : found;
  const charges: RowCharge<R>[] = [];
  for (const { row, value } of applied) {
    const amount = charge(row, { value, count });
    if (amount === undefined) return undefined;
    charges.push({ row, base: { value, count }, amount });
  }
  return charges;
}

/** True when a rate that was used, or the value it was applied to, is an assumption. */
export function ratesAssumed(charges: readonly RowCharge<DatedRow>[], base: Base): boolean {
  return charges.some(({ row }) => row.assumed || (base.assumed && dependsOnValue(row)));
}

/** What is left of a line. */
export interface Remitted {
  readonly amount: Paisa;
  readonly steps: readonly TraceStep[];
  readonly remission?: RemissionRow;
}

function afterRelief(
  row: RemissionRow,
  charges: readonly RowCharge<DatedRow>[],
  amount: Paisa,
): Paisa {
  const { relief } = row;
  switch (relief.kind) {
    case 'exempt':
      return ZERO;
    case 'percent-off':
      return paisa(amount - percentOf(amount, relief.rate, 'paisa-down'));
    case 'amount-off':
      return amount > relief.amount ? paisa(amount - relief.amount) : ZERO;
    case 'reduced-rate': {
      const reduced = sumPaisa(
        charges.map((each) =>
          each.base.value === undefined
            ? each.amount
            : percentOfValue(each.base.value, relief.rate, each.row.rounding),
        ),
      );
      return reduced < amount ? reduced : amount;
    }
  }
}

function remissionStep(row: RemissionRow, before: Paisa, after: Paisa, version: number): TraceStep {
  return {
    step: `remission:${row.remission}`,
    text: `${row.title}: of ${rupeesText(before)} there remain ${rupeesText(after)}; the officer must see: ${row.evidence}.`,
    textUrdu: `${row.titleUrdu}: ${rupeesUrdu(before)} میں سے ${rupeesUrdu(after)} واجب الادا ہیں۔`,
    figures: {
      before: before.toString(),
      remitted: (before - after).toString(),
      amount: after.toString(),
      relief: row.relief.kind,
      version: String(version),
      line: row.line.toString(),
    },
    source: row.source,
    assumed: row.assumed,
  };
}

/** The remissions that the input claims and that hold on the book's date for this deed. */
export function applicableRemissions(
  input: DutyInput,
  book: DutyBook,
  base: Base,
): readonly RemissionRow[] | DutyRefusal {
  const settings = base.deed?.properties.map((each) => each.setting) ?? [];
  const found: RemissionRow[] = [];
  for (const [index, claimed] of input.remissions.entries()) {
    const path = `remissions.${String(index)}`;
    const rows = book.remissions.filter((row) => row.remission === claimed);
    if (rows.length === 0) {
      return refuse(
        'unknown-remission',
        path,
        'There is no remission of this instrument with this code.',
      );
    }
    const holding = rows.filter(
      (row) =>
        row.active &&
        inForce(row, book.date) &&
        (row.setting === 'any' ||
          (settings.length > 0 && settings.every((setting) => setting === row.setting))) &&
        matches({ ...row, setting: 'any' }, undefined, base.chargeable),
    );
    if (holding.length === 0) {
      return refuse(
        'remission-not-applicable',
        path,
        `This remission does not hold for this deed on ${book.date}.`,
      );
    }
    found.push(...holding);
  }
  return found;
}

/** Takes off a line the one of the claimed remissions that leaves the least. [A: remissions do not add up] */
export function remit(
  of: string,
  charges: readonly RowCharge<DatedRow>[],
  remissions: readonly RemissionRow[],
  version: number,
): Remitted {
  const before = sumPaisa(charges.map((each) => each.amount));
  let best: { row: RemissionRow; after: Paisa } | undefined;
  for (const row of remissions) {
    if (row.of !== of) continue;
    const after = roundedUp(afterRelief(row, charges, before), charges);
    if (best === undefined || after < best.after) best = { row, after };
  }
  if (best === undefined) return { amount: before, steps: [] };
  return {
    amount: best.after,
    steps: [remissionStep(best.row, before, best.after, version)],
    remission: best.row,
  };
}

/** To the next rupee when the line's rows are rounded so. */
function roundedUp(amount: Paisa, charges: readonly RowCharge<DatedRow>[]): Paisa {
  const whole = charges.every((each) => each.row.rounding === 'rupee-up');
  return whole ? paisa(((amount + 99n) / 100n) * 100n) : amount;
}
