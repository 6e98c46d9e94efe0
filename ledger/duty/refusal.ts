/** Why a duty cannot be calculated, in words for the applicant. All of them are expected, none is a fault. */

export type DutyRefusalCode =
  | 'unknown-instrument'
  | 'date-outside-schedule'
  | 'property-missing'
  | 'declared-value-missing'
  | 'value-not-positive'
  | 'value-too-large'
  | 'unknown-district'
  | 'unknown-tehsil'
  | 'unknown-locality'
  | 'date-outside-dc-tables'
  | 'setting-missing'
  | 'no-dc-rate'
  | 'no-structure-rate'
  | 'area-not-positive'
  | 'area-too-large'
  | 'no-rate-for-value'
  | 'khasra-missing'
  | 'unknown-khasra'
  | 'settings-differ'
  | 'count-missing'
  | 'unknown-remission'
  | 'remission-not-applicable';

export interface DutyRefusal {
  readonly ok: false;
  readonly code: DutyRefusalCode;
  /** A full sentence that says what is wrong and, where it helps, what to do. */
  readonly message: string;
  /** The part of the input that is refused: `property.locality`. */
  readonly path: string;
}

/** Makes a refusal. */
export function refuse(code: DutyRefusalCode, path: string, message: string): DutyRefusal {
  return { ok: false, code, path, message };
}
