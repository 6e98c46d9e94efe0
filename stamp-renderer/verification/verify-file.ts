/** Verifies a file that somebody was handed: a PDF, a PNG, JSON with the QR text, or the QR text itself. */
import { sealOfQrText } from '../seal/qr-text.ts';
import type { TrustList } from '../seal/trust-list.ts';
import { comparePrint } from './compare-print.ts';
import { withFileReader, type FileReader } from './file-reader.ts';
import type { StatusLookup, VerificationReport } from './report.ts';
import {
  refusal,
  refusedReport,
  verifyQr,
  type PrintCheck,
  type VerifyQrOptions,
} from './verify-qr.ts';

const FILE_BYTES_MAX = 5 * 1024 * 1024;
const TEXT_BYTES_MAX = 100_000;
/** For reading one file; a certificate takes about a second. */
const READ_MS_MAX = 20_000;

export interface VerifyFileOptions {
  readonly trustList: TrustList;
  /** The present instant. */
  readonly now: Date;
  /** Absent: the report says that the status was not checked. */
  readonly status?: StatusLookup;
  /** Refuses a stamp that is not in the public log yet. */
  readonly demandLog?: boolean;
}

/**
 * Reads the file and judges it. Whatever the bytes hold, the answer is a report; only what the status look-up
 * throws is passed on.
 */
export async function verifyFile(
  bytes: Uint8Array,
  options: VerifyFileOptions,
): Promise<VerificationReport> {
  if (bytes.length === 0 || bytes.length > FILE_BYTES_MAX) return refusedReport('file-unreadable');
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47])) {
    return withFileReader(READ_MS_MAX, (reader) => verifyPng(bytes, options, reader));
  }
  // Readers accept a PDF whose header stands within the first kilobyte.
  if (Buffer.from(bytes.subarray(0, 1024)).includes('%PDF-')) {
    return withFileReader(READ_MS_MAX, (reader) => verifyPdf(bytes, options, reader));
  }
  return verifyText(bytes, options);
}

async function verifyPng(
  bytes: Uint8Array,
  options: VerifyFileOptions,
  reader: FileReader,
): Promise<VerificationReport> {
  const picture = await reader.readPng(bytes);
  if (!picture.readable) return refusedReport('file-unreadable');
  return verifyCodes(picture.codes, options);
}

async function verifyPdf(
  bytes: Uint8Array,
  options: VerifyFileOptions,
  reader: FileReader,
): Promise<VerificationReport> {
  const given = await reader.readPdf(bytes);
  if (!given.readable) return refusedReport('file-unreadable');
  const codes = given.pages.flatMap((page) => page.codes);
  return verifyCodes(codes, options, async (facts) =>
    comparePrint(given, { facts, qrText: seals(codes)[0] ?? '' }, reader),
  );
}

/**
 * A second seal on a page is refused: a reader might show the one and a person scan the other. Codes that are no
 * seals are passed over, since shaded paper is sometimes read as one; in a PDF the picture's comparison finds them.
 */
async function verifyCodes(
  codes: readonly string[],
  options: VerifyQrOptions,
  checkPrint?: PrintCheck,
): Promise<VerificationReport> {
  const [code, ...others] = seals(codes);
  if (code === undefined) {
    return refusedReport(codes.length === 0 ? 'qr-missing' : 'seal-malformed');
  }
  if (others.length === 0) return verifyQr(code, options, checkPrint);
  return verifyQr(code, options, () =>
    Promise.resolve({
      print: { state: 'differs' },
      reasons: [refusal('printed-fact-differs', 'qr')],
    }),
  );
}

function seals(codes: readonly string[]): string[] {
  return [...new Set(codes)].filter((code) => sealOfQrText(code) !== undefined);
}

async function verifyText(
  bytes: Uint8Array,
  options: VerifyFileOptions,
): Promise<VerificationReport> {
  const text = decodeText(bytes)?.trim();
  if (text === undefined) return refusedReport('file-unreadable');
  if (!text.startsWith('{')) {
    return text.includes('#') ? verifyQr(text, options) : refusedReport('file-unreadable');
  }
  const object = parseObject(text);
  if (object === undefined) return refusedReport('file-unreadable');
  const { qr, inclusion } = object;
  if (typeof qr !== 'string') return refusedReport('qr-missing');
  return verifyQr(qr, { ...options, ...(inclusion === undefined ? {} : { inclusion }) });
}

function decodeText(bytes: Uint8Array): string | undefined {
  if (bytes.length > TEXT_BYTES_MAX) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // Not text at all.
    return undefined;
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    // Begins with `{`, so it is an object if it is JSON; every member is unknown.
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    // Not JSON.
    return undefined;
  }
}

function startsWith(bytes: Uint8Array, prefix: readonly number[]): boolean {
  return prefix.every((byte, index) => bytes[index] === byte);
}
