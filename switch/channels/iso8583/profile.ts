/** What of the line is agreement and not standard [A]: kept as data, one profile per dialect. */
import { SPECS } from './specs/index.ts';
import type { MessageSpec } from './specs/spec.ts';

export interface Iso8583Profile {
  readonly spec: MessageSpec;
  /** DE 3 of a bill inquiry. */
  readonly inquiryCode: string;
  /** DE 3 of a bill payment. */
  readonly paymentCode: string;
  /** Company code in DE 48, 8 characters. */
  readonly companyCode: string;
  /** DE 49: the only currency taken, ISO 4217 numeric. */
  readonly currency: string;
}

/** The profile that a line has when nothing else was agreed. */
export const DEFAULT_PROFILE: Iso8583Profile = {
  spec: SPECS['iso87-ascii'],
  inquiryCode: '300000',
  paymentCode: '500000',
  companyCode: 'SANAD   ',
  currency: '586',
};
