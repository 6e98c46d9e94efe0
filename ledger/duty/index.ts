/** Duty: Schedule I, levies, valuation tables, and the calculation with every step. */
export { assessDuty } from './assess-duty.ts';
export { calculateDuty, type Duty, type DutyResult } from './calculate-duty.ts';
export type { DutyBook } from './duty-book.ts';
export { loadDutyBook } from './duty-book-store.ts';
export { dutyInputSchema, type DutyInput } from './duty-input.ts';
export { dutyChallanLines, dutyResultToJson } from './duty-json.ts';
export { importDcTable, type DcTableImport } from './import/import-dc-table.ts';
export { importReferenceData } from './import/import-reference-data.ts';
export type { FileProblem, SourceFile } from './import/table-file.ts';
export {
  listDistricts,
  listInstruments,
  listLocalities,
  listTehsils,
  type District,
  type Instrument,
  type Locality,
  type NamedPlace,
} from './reference-store.ts';
export type { DutyRefusal } from './refusal.ts';
export { valuate } from './valuation.ts';
