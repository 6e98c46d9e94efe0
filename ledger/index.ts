/** The front door of the room `ledger`: books, challans, stamps and duty. */
export {
  bankAccount,
  floatAccount,
  openAccount,
  prefundingAccount,
  settlementAccount,
  suspenseAccount,
  trialBalance,
  type TrialBalanceLine,
} from './accounts/account-store.ts';
export { archiveMonth, type ArchivedFile } from './accounts/archive.ts';
export { postEntry, type Entry, type EntryAnswer } from './accounts/entries.ts';
export {
  expireHolds,
  findHold,
  reserveHold,
  voidHold,
  type Hold,
  type Reservation,
  type ReservationAnswer,
} from './accounts/holds.ts';
export {
  accountStatement,
  type StatementCursor,
  type StatementPage,
  type StatementQuery,
} from './accounts/statement.ts';
export type { Party, StampApplication } from './challans/application.ts';
export type { ChallanLineDraft } from './challans/challan-line-draft.ts';
export { findChallan, type Challan } from './challans/challan-store.ts';
export { priceDemand, type ServiceRefusal } from './services/catalogue.ts';
export { keepExternalBill } from './services/external-bill.ts';
export { findReceipt, receiptNumber, type Receipt } from './services/receipt.ts';
export {
  cancelChallan,
  findByReference,
  findServiceChallan,
  listDepartments,
  listServices,
  type Department,
  type Service,
} from './services/service-store.ts';
export {
  createChallan,
  findCreatedChallan,
  isAccessToken,
  type ChallanDeps,
  type CreatedChallan,
} from './challans/create-challan.ts';
export { checkInvariants, onlineInvariants, type BrokenInvariant } from './invariants.ts';
export { stampFacts } from './challans/application.ts';
export { factsRoot, openFacts } from './stamps/facts.ts';
export {
  moveStamps,
  STAMP_MOVE_RESULTS,
  stampEvents,
  type StampEvent,
  type StampMoveAnswer,
  type StampMoveRequest,
  type StampMoveResult,
  type StampOfficer,
} from './stamps/move-stamps.ts';
export { type StampMoveKind } from './stamps/moves.ts';
export { refundableUntil } from './stamps/refund-window.ts';
export {
  parseSearchPlace,
  searchStamps,
  type FoundStamp,
  type StampCriterion,
} from './stamps/search-stamps.ts';
export {
  findSeal,
  findStamp,
  keepSeal,
  stampsOfChallan,
  type Stamp,
} from './stamps/stamp-store.ts';
export {
  assessDuty,
  columnMappingSchema,
  compareDcTables,
  decideDcTable,
  diskSource,
  DutyBooks,
  dutyChallanLines,
  dutyInputSchema,
  dutyResultToJson,
  exportDcTable,
  importBoundaries,
  importDcTable,
  importReferenceData,
  kmz,
  listDcTables,
  listDistricts,
  listInstruments,
  listLocalities,
  listTehsils,
  rateMap,
  type DutyInput,
  type LandClass,
} from './duty/index.ts';
