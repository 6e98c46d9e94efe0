/** Duty: Schedule I, levies, remissions, valuation tables, maps, and the calculation with every step. */
export { assessDuty } from './assess-duty.ts';
export { calculateDuty, type Duty, type DutyResult } from './calculate-duty.ts';
export {
  compareDcTables,
  exportDcTable,
  type RateDifference,
  type TableVersionKey,
} from './dc-table-compare.ts';
export {
  decideDcTable,
  listDcTables,
  type DcTableDecision,
  type DcTableVersionInfo,
} from './decide-dc-table.ts';
export type { DutyBook, LandClass } from './duty-book.ts';
export { loadDutyBook } from './duty-book-store.ts';
export { DutyBooks } from './duty-books.ts';
export { dutyInputSchema, type DutyInput } from './duty-input.ts';
export { dutyChallanLines, dutyResultToJson } from './duty-json.ts';
export { columnMappingSchema, type ColumnMapping } from './import/column-mapping.ts';
export type { LineReport } from './import/dc-table-reading.ts';
export {
  importDcTable,
  type DcTableImport,
  type DcTableImportOptions,
} from './import/import-dc-table.ts';
export { importReferenceData } from './import/import-reference-data.ts';
export type { FileProblem, SourceFile } from './import/table-file.ts';
export { diskSource, memorySource, type TableSource } from './import/table-source.ts';
export { importBoundaries, type BoundaryImport } from './kml/boundary-store.ts';
export { kmz, rateMap, stampMap, type RateMapRequest } from './kml/maps.ts';
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
export {
  decideScheduleChange,
  listScheduleChanges,
  proposeScheduleChange,
  type ProposalResult,
  type ScheduleCells,
  type ScheduleChange,
  type ScheduleDecision,
  type ScheduleProposal,
} from './schedule-change.ts';
