/** The value that a duty is reckoned on: by the table, as declared, or the higher of both (s. 27-A). */
import type { Paisa } from '../../kernel/money.ts';
import { dependsOnValue, type DutyBook, type ScheduleRow } from './duty-book.ts';
import type { DutyInput } from './duty-input.ts';
import { VALUE_MAX } from './property-value.ts';
import { refuse, type DutyRefusal } from './refusal.ts';
import { rupeesText, rupeesUrdu, type Phrase, type TraceStep } from './trace.ts';
import { valuate, type DeedValue } from './valuation.ts';

/** What is known before the rows are chosen. */
export interface Base {
  readonly ok: true;
  readonly deed?: DeedValue;
  readonly chargeable?: Paisa;
  /** True when the chargeable value itself rests on an assumption. */
  readonly assumed: boolean;
  readonly steps: readonly TraceStep[];
}

/** True when an instrument with these rows cannot be reckoned without a property. */
export function needsProperty(rows: readonly ScheduleRow[]): boolean {
  return rows.some((row) => row.valueOf !== 'consideration' || row.setting !== 'any');
}

/** True when an instrument with these rows cannot be reckoned without a declared amount. */
export function needsDeclaredValue(rows: readonly ScheduleRow[]): boolean {
  return rows.some((row) => row.valueOf === 'consideration' && dependsOnValue(row));
}

function checkDeclared(input: DutyInput, needed: boolean): DutyRefusal | undefined {
  const { declaredValue } = input;
  if (declaredValue === undefined) {
    return needed
      ? refuse(
          'declared-value-missing',
          'declaredValue',
          'The duty depends on the amount in the deed; state it.',
        )
      : undefined;
  }
  if (declaredValue < 0n || (needed && declaredValue === 0n)) {
    return refuse('value-not-positive', 'declaredValue', 'The amount must be more than nothing.');
  }
  return declaredValue > VALUE_MAX
    ? refuse('value-too-large', 'declaredValue', 'The amount is more than Rs 1 trillion.')
    : undefined;
}

function chargeableStep(chargeable: Paisa, phrase: Phrase, assumed: boolean): TraceStep {
  return {
    step: 'chargeable-value',
    text: `${phrase.en}: ${rupeesText(chargeable)}.`,
    textUrdu: `${phrase.ur}: ${rupeesUrdu(chargeable)}۔`,
    figures: { value: chargeable.toString() },
    source: 'Stamp Act 1899, s. 27-A',
    assumed,
  };
}

const ON_DECLARED: Phrase = {
  en: 'Duty is reckoned on the declared value',
  ur: 'ڈیوٹی ظاہر کردہ مالیت پر لگتی ہے',
};
const ON_TABLE: Phrase = {
  en: 'Duty is reckoned on the value by the DC table',
  ur: 'ڈیوٹی ڈی سی ٹیبل کی مالیت پر لگتی ہے',
};
const HIGHER: Phrase = { en: ', which is the higher', ur: '، جو زیادہ ہے' };

function basisPhrase(byTable: Paisa | undefined, declared: Paisa | undefined): Phrase {
  if (byTable === undefined) return ON_DECLARED;
  if (declared === undefined) return ON_TABLE;
  if (declared === byTable) {
    return {
      en: 'Both values are the same; duty is reckoned on',
      ur: 'دونوں مالیتیں برابر ہیں؛ ڈیوٹی اس پر لگتی ہے',
    };
  }
  const on = byTable > declared ? ON_TABLE : ON_DECLARED;
  return { en: on.en + HIGHER.en, ur: on.ur + HIGHER.ur };
}

function declaredStep(declared: Paisa): TraceStep {
  return {
    step: 'declared-value',
    text: `Value declared in the deed: ${rupeesText(declared)}.`,
    textUrdu: `دستاویز میں ظاہر کردہ مالیت: ${rupeesUrdu(declared)}۔`,
    figures: { value: declared.toString() },
    assumed: false,
  };
}

/** The higher of the table's value and the declared one (s. 27-A). */
function higherValue(input: DutyInput, deed: DeedValue): Base | DutyRefusal {
  const { byTable } = deed;
  const declared = input.declaredValue;
  if (byTable === undefined && declared === undefined) {
    return refuse(
      'no-dc-rate',
      'declaredValue',
      'There is no DC rate for this property and no declared value; state the declared value.',
    );
  }
  const fromTable = byTable !== undefined && (declared === undefined || byTable >= declared);
  const chargeable = fromTable ? byTable : declared;
  if (chargeable === undefined || chargeable === 0n) {
    return refuse('value-not-positive', 'declaredValue', 'The value must be more than nothing.');
  }
  const assumed = fromTable || byTable === undefined ? deed.assumed : false;
  const steps = [...deed.steps];
  if (declared !== undefined) steps.push(declaredStep(declared));
  steps.push(chargeableStep(chargeable, basisPhrase(byTable, declared), assumed));
  return { ok: true, deed, chargeable, assumed, steps };
}

/** The table's value alone, whatever the deed declares. */
function tableValue(deed: DeedValue): Base | DutyRefusal {
  const { byTable } = deed;
  if (byTable === undefined || byTable === 0n) {
    return refuse(
      'no-dc-rate',
      'property',
      'The duty of this instrument is on the value by the DC table, and there is none for this property.',
    );
  }
  const step = chargeableStep(byTable, ON_TABLE, deed.assumed);
  return {
    ok: true,
    deed,
    chargeable: byTable,
    assumed: deed.assumed,
    steps: [...deed.steps, step],
  };
}

function consideration(input: DutyInput, deed: DeedValue | undefined): Base {
  const { declaredValue } = input;
  const known = deed === undefined ? {} : { deed };
  const steps = deed?.steps ?? [];
  if (declaredValue === undefined || declaredValue === 0n) {
    return { ok: true, ...known, assumed: false, steps };
  }
  const step: TraceStep = {
    step: 'chargeable-value',
    text: `Amount stated in the deed: ${rupeesText(declaredValue)}.`,
    textUrdu: `دستاویز میں درج رقم: ${rupeesUrdu(declaredValue)}۔`,
    figures: { value: declaredValue.toString() },
    assumed: false,
  };
  return {
    ok: true,
    ...known,
    chargeable: declaredValue,
    assumed: false,
    steps: [...steps, step],
  };
}

/** Finds the value that the instrument's rows are reckoned on, with the steps that lead to it. */
export function findBase(
  input: DutyInput,
  rows: readonly ScheduleRow[],
  book: DutyBook,
): Base | DutyRefusal {
  const declared = checkDeclared(input, needsDeclaredValue(rows));
  if (declared !== undefined) return declared;
  if (!needsProperty(rows)) return consideration(input, undefined);
  if (input.properties.length === 0) {
    return refuse(
      'property-missing',
      'property',
      'The duty of this instrument depends on the property; state district, tehsil, locality, class and area.',
    );
  }
  const deed = valuate(input.properties, book);
  if (!deed.ok) return deed;
  if (rows.some((row) => row.valueOf === 'property')) return higherValue(input, deed);
  return rows.some((row) => row.valueOf === 'table')
    ? tableValue(deed)
    : consideration(input, deed);
}
