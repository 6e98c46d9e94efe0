/** Duty: Schedule I, levies, valuation tables, and the calculation with every step. */
export { assessDuty } from './assess-duty.ts';
export {
  calculateDuty,
  type Duty,
  type DutyLine,
  type DutyResult,
  type DutyStampKind,
} from './calculate-duty.ts';
export type { DutyBook } from './duty-book.ts';
export { loadDutyBook, type DutyBookQuery } from './duty-book-store.ts';
export { dutyInputSchema, type DutyInput, type Property } from './duty-input.ts';
export { dutyChallanLines, dutyResultToJson } from './duty-json.ts';
export {
  importDcTable,
  type DcTableImport,
  type DcTableImportOptions,
} from './import/import-dc-table.ts';
export { importReferenceData, type ReferenceDataImport } from './import/import-reference-data.ts';
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
export type { DutyRefusal, DutyRefusalCode } from './refusal.ts';
export type { TraceStep } from './trace.ts';
export { valuate, type PropertyValue } from './valuation.ts';
