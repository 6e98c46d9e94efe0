/** What of the line is agreement and not standard [A]: kept as data, one profile per dialect. */
import { DEFAULT_FRAMING, type Framing } from './framing.ts';
import { SPECS } from './specs/index.ts';
import type { MessageSpec } from './specs/spec.ts';

export interface Iso8583Profile {
  readonly spec: MessageSpec;
  /** `DEFAULT_FRAMING` when absent. */
  readonly framing?: Framing;
  /** DE 3 of a bill inquiry. */
  readonly inquiryCode: string;
  /** DE 3 of a bill payment. */
  readonly paymentCode: string;
  /** Company code in DE 48, 8 characters. */
  readonly companyCode: string;
  /** DE 49: the only currency taken, ISO 4217 numeric. */
  readonly currency: string;
  /**
   * A message with PIN data (DE 52): `refuse` it (when absent), or `discard` the field as soon as it was unpacked.
   * It is never stored, passed on or echoed.
   */
  readonly pinData?: 'refuse' | 'discard';
}

/** The profile that a line has when nothing else was agreed. */
export const DEFAULT_PROFILE: Iso8583Profile = {
  spec: SPECS['iso87-ascii'],
  framing: DEFAULT_FRAMING,
  inquiryCode: '300000',
  paymentCode: '500000',
  companyCode: 'SANAD   ',
  currency: '586',
  pinData: 'refuse',
};
