/** Drivers of the conformance suite, one for each channel, and its report. */
export {
  CONFORMANCE_RULES,
  runConformance,
  type ConformanceAnswer,
  type ConformanceDriver,
  type ConformanceReport,
  type ConformanceSandbox,
  type Prepared,
  type RuleName,
  type RuleOutcome,
} from '../../channels/conformance.ts';
export { forcedByFixedPsids } from './fixed-psids.ts';
export { easypaisaDriver } from './easypaisa.ts';
export { iso8583Driver } from './iso8583.ts';
export { jazzCashDriver } from './jazzcash.ts';
export { oneBillDriver, type OneBillDriverOptions } from './onebill.ts';
export { otcDriver } from './otc.ts';
export { conformanceHtml } from './report.ts';
