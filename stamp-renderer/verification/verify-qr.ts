/**
 * The verdict on a QR text: seal, then log, then status. Runs in Node, on the command line and in the browser
 * alike; what was printed around the code is the business of verify-file.ts.
 */
import { printedTime } from '../../kernel/clock.ts';
import { amountInWords, formatRupees, paisa } from '../../kernel/money.ts';
import { toHex } from '../seal/bytes.ts';
import { recordRootOf } from '../seal/commitment.ts';
import type { SealFacts } from '../seal/facts.ts';
import { verifyInclusion } from '../seal/inclusion.ts';
import type { TrustList } from '../seal/trust-list.ts';
import { verifySeal } from '../seal/verify-seal.ts';
import { noticeMessage, refusalMessage, usedMessage, verdictMessage } from './messages.ts';
import type {
  LogFinding,
  Message,
  Notice,
  PrintFinding,
  Reason,
  Refusal,
  SealedFacts,
  StampStatus,
  StatusFinding,
  StatusLookup,
  VerificationReport,
} from './report.ts';

export interface VerifyQrOptions {
  readonly trustList: TrustList;
  /** The present instant: a status older than a day is named so. */
  readonly now: Date;
  /** Absent: the status is reported as unchecked. */
  readonly status?: StatusLookup;
  /** A proof that came with the stamp; used when the register gives none. */
  readonly inclusion?: unknown;
  /** Refuses a stamp that is not in the log yet. */
  readonly demandLog?: boolean;
}

/** What was found out about the print before the seal is judged. */
export interface PrintResult {
  readonly print: PrintFinding;
  readonly reasons: readonly Reason[];
}

/** Compares the print with the sealed facts; called once the seal is known to be genuine. */
export type PrintCheck = (facts: SealFacts) => Promise<PrintResult>;

const STATUS_OLD_MS = 24 * 3600 * 1000;

const KIND_REFUSED = {
  cancelled: 'stamp-cancelled',
  refunded: 'stamp-refunded',
  'refund-requested': 'stamp-surrendered',
  spoiled: 'stamp-spoiled',
} as const satisfies Partial<Record<StampStatus['state'], Refusal>>;

/** A reason with its sentence. */
export function refusal(code: Refusal, field?: string): Reason {
  const { en, ur } = refusalMessage(code, field);
  return { code, message: en, urdu: ur, ...(field === undefined ? {} : { field }) };
}

/** A report about something in which no seal could be judged. */
export function refusedReport(code: Refusal): VerificationReport {
  const reasons = [refusal(code)];
  return {
    verdict: 'refused',
    message: verdictMessage(reasons),
    reasons,
    notices: [],
    seal: { state: code === 'qr-missing' || code === 'file-unreadable' ? 'missing' : 'refused' },
    print: { state: 'not-compared' },
    log: { state: 'unchecked' },
    status: { state: 'unchecked' },
  };
}

/** Verifies a QR text. Never throws for what the text or a proof holds; passes on what the look-up throws. */
export async function verifyQr(
  qrText: string,
  options: VerifyQrOptions,
  checkPrint: PrintCheck = notCompared,
): Promise<VerificationReport> {
  const seal = await verifySeal(qrText, options.trustList);
  if (!seal.ok) return refusedReport(seal.reason);
  const { facts, key } = seal;
  const recordRoot = toHex(recordRootOf(facts));
  const status = await options.status?.(facts.stampId);
  const { print, reasons: printReasons } = await checkPrint(facts);
  const reasons = [...printReasons];
  const log = await findInLog(facts, status, options);
  if (log.state === 'refused') reasons.push(refusal('proof-wrong'));
  if (log.state !== 'proved' && log.state !== 'refused' && options.demandLog === true) {
    reasons.push(refusal('not-in-log'));
  }
  const provedInLog = log.state === 'proved' && log.checkpointSigned;
  if (
    seal.revoked &&
    !(provedInLog && facts.issuedAtMs < BigInt(Date.parse(key.revokedAt ?? '')))
  ) {
    reasons.push(refusal('key-revoked'));
  }
  reasons.push(...registerReasons(facts, recordRoot, status, options));
  const used = status?.state === 'delisted' ? usedMessage(status) : undefined;
  const notices = [
    ...(used === undefined ? [] : [notice('already-used', used)]),
    ...plainNotices({ print, log, status }, options).map((code) =>
      notice(code, noticeMessage(code)),
    ),
  ];
  return {
    verdict: reasons.length === 0 ? 'genuine' : 'refused',
    message: verdictMessage(reasons, used),
    reasons,
    notices,
    seal: {
      state: 'genuine',
      kid: key.kid,
      authority: key.authority,
      sealedAt: new Date(Number(facts.sealedAtMs)).toISOString(),
    },
    facts: shownFacts(facts, recordRoot),
    print,
    log,
    status: statusFinding(status, options),
  };
}

function notCompared(): Promise<PrintResult> {
  return Promise.resolve({ print: { state: 'not-compared' }, reasons: [] });
}

async function findInLog(
  facts: SealFacts,
  status: StampStatus | undefined,
  options: VerifyQrOptions,
): Promise<LogFinding> {
  const bundle = status?.inclusion ?? options.inclusion;
  if (bundle === undefined) return { state: status === undefined ? 'unchecked' : 'pending' };
  const verdict = await verifyInclusion(bundle, facts, options.trustList);
  if (!verdict.ok) return { state: 'refused' };
  return {
    state: 'proved',
    origin: verdict.origin,
    leafIndex: verdict.leafIndex.toString(),
    treeSize: verdict.treeSize.toString(),
    checkpointSigned: verdict.checkpointSigned,
  };
}

function registerReasons(
  facts: SealFacts,
  recordRoot: string,
  status: StampStatus | undefined,
  options: VerifyQrOptions,
): Reason[] {
  if (options.status === undefined) return [];
  if (status === undefined) return [refusal('not-in-register')];
  const reasons: Reason[] = [];
  if (status.recordRoot !== recordRoot || BigInt(status.issuedAt) !== facts.issuedAtMs) {
    reasons.push(refusal('register-differs'));
  }
  if (status.state !== 'issued' && status.state !== 'delisted') {
    reasons.push(refusal(KIND_REFUSED[status.state]));
  }
  return reasons;
}

function notice(code: Notice, { en, ur }: Message): VerificationReport['notices'][number] {
  return { code, message: en, urdu: ur };
}

function plainNotices(
  found: {
    readonly print: PrintFinding;
    readonly log: LogFinding;
    readonly status: StampStatus | undefined;
  },
  options: VerifyQrOptions,
): Exclude<Notice, 'already-used'>[] {
  const notices: Exclude<Notice, 'already-used'>[] = [];
  const { print, log, status } = found;
  if (log.state === 'pending') notices.push('log-pending');
  if (options.status === undefined) notices.push('status-unchecked');
  if (status !== undefined && options.now.getTime() - status.asOf.getTime() > STATUS_OLD_MS) {
    notices.push('status-old');
  }
  if (print.state === 'not-compared') notices.push('compare-with-paper');
  return notices;
}

function statusFinding(status: StampStatus | undefined, options: VerifyQrOptions): StatusFinding {
  if (status === undefined) {
    return { state: options.status === undefined ? 'unchecked' : 'unknown' };
  }
  return {
    state: status.state,
    asOf: status.asOf.toISOString(),
    ...(status.stateChangedAt === undefined
      ? {}
      : { stateChangedAt: status.stateChangedAt.toISOString() }),
    ...(status.usedFor === undefined ? {} : { usedFor: status.usedFor }),
  };
}

function shownFacts(facts: SealFacts, recordRoot: string): SealedFacts {
  const amount = paisa(facts.amountPaisa);
  const issuedAt = new Date(Number(facts.issuedAtMs));
  const { cnicLast4, firstParty, secondParty } = facts;
  return {
    stampId: facts.stampId,
    kind: facts.kind,
    article: facts.article,
    amountPaisa: facts.amountPaisa.toString(),
    amount: `Rs. ${formatRupees(amount)}`,
    amountInWords: amountInWords(amount),
    issuedAt: issuedAt.toISOString(),
    issuedAtPrinted: printedTime(issuedAt),
    validUntil: facts.validUntil,
    districtCode: facts.districtCode,
    applicant: facts.applicant,
    ...(cnicLast4 === undefined ? {} : { cnicLast4 }),
    ...(firstParty === undefined ? {} : { firstParty }),
    ...(secondParty === undefined ? {} : { secondParty }),
    purpose: facts.purpose,
    psid: facts.psid,
    challanNumber: facts.challanNumber,
    logSizeAtIssue: facts.logSizeAtIssue.toString(),
    recordRoot,
  };
}
