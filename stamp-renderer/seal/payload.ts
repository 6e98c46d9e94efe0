/**
 * The seal's payload: a deterministic CBOR map (RFC 8949, 4.2.1) with integer keys; docs/spec/seal.md has the
 * table. A payload is accepted only when encoding what was read gives the same bytes again, which leaves one
 * spelling for every set of facts.
 */
import { decode, encode, rfc8949EncodeOptions } from 'cborg';
import { hasValidCheckDigit } from '../../kernel/check-digit.ts';
import { STAMP_KINDS } from '../../kernel/stamp.ts';
import { equalBytes } from './bytes.ts';
import type { SealFacts } from './facts.ts';

/** The largest amount, instant or log size that the log's entry can hold. */
const VALUE_LIMIT = 1n << 63n;
/** The largest figure of the books (kernel/money.ts). */
const AMOUNT_MAX = 10n ** 15n;
/** The last instant of the year 9999: later ones have no ISO 8601 text of four-digit years. */
const INSTANT_MAX_MS = 253_402_300_799_999n;
const TEXT_UNITS_MAX = 120;

/** The map key of each fact. */
export const PAYLOAD_KEYS = {
  stampId: 1,
  kind: 2,
  article: 3,
  amountPaisa: 4,
  issuedAtMs: 5,
  districtCode: 6,
  applicant: 7,
  firstParty: 8,
  secondParty: 9,
  cnicLast4: 10,
  purpose: 11,
  psid: 12,
  challanNumber: 13,
  validUntil: 14,
  factsRoot: 15,
  salt: 16,
  logSizeAtIssue: 17,
  sealedAtMs: 18,
  printHash: 19,
} as const satisfies Record<keyof SealFacts, number>;

const KEYS = new Set<unknown>(Object.values(PAYLOAD_KEYS));

/** Encodes facts. What is passed must be well formed: it comes from the register, not from outside. */
export function encodePayload(facts: SealFacts): Uint8Array {
  const map = new Map<number, unknown>([
    [PAYLOAD_KEYS.stampId, BigInt(facts.stampId)],
    [PAYLOAD_KEYS.kind, STAMP_KINDS.indexOf(facts.kind)],
    [PAYLOAD_KEYS.article, facts.article],
    [PAYLOAD_KEYS.amountPaisa, facts.amountPaisa],
    [PAYLOAD_KEYS.issuedAtMs, facts.issuedAtMs],
    [PAYLOAD_KEYS.districtCode, facts.districtCode],
    [PAYLOAD_KEYS.applicant, facts.applicant],
    [PAYLOAD_KEYS.purpose, facts.purpose],
    [PAYLOAD_KEYS.psid, BigInt(facts.psid)],
    [PAYLOAD_KEYS.challanNumber, facts.challanNumber],
    [PAYLOAD_KEYS.validUntil, Number(facts.validUntil.replaceAll('-', ''))],
    [PAYLOAD_KEYS.factsRoot, facts.factsRoot],
    [PAYLOAD_KEYS.salt, facts.salt],
    [PAYLOAD_KEYS.logSizeAtIssue, facts.logSizeAtIssue],
    [PAYLOAD_KEYS.sealedAtMs, facts.sealedAtMs],
    [PAYLOAD_KEYS.printHash, facts.printHash],
  ]);
  if (facts.firstParty !== undefined) map.set(PAYLOAD_KEYS.firstParty, facts.firstParty);
  if (facts.secondParty !== undefined) map.set(PAYLOAD_KEYS.secondParty, facts.secondParty);
  if (facts.cnicLast4 !== undefined) map.set(PAYLOAD_KEYS.cnicLast4, facts.cnicLast4);
  return encode(map, rfc8949EncodeOptions);
}

/** Reads a payload; undefined for anything that `encodePayload` would not write. */
export function decodePayload(bytes: Uint8Array): SealFacts | undefined {
  const map = decodeMap(bytes);
  if (map === undefined) return undefined;
  const facts = readFacts(new Reader(map));
  return facts !== undefined && equalBytes(encodePayload(facts), bytes) ? facts : undefined;
}

function decodeMap(bytes: Uint8Array): ReadonlyMap<unknown, unknown> | undefined {
  let value: unknown;
  try {
    value = decode(bytes, {
      useMaps: true,
      strict: true,
      rejectDuplicateMapKeys: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
    });
  } catch {
    // Whatever the decoder dislikes about bytes from outside makes them no payload; which fault it was is of no use.
    return undefined;
  }
  if (!(value instanceof Map) || ![...value.keys()].every((key) => KEYS.has(key))) return undefined;
  return value;
}

function readFacts(map: Reader): SealFacts | undefined {
  const stampId = map.digits('stampId', 16);
  const psid = map.digits('psid', 17);
  const kind = STAMP_KINDS[Number(map.natural('kind') ?? 99n)];
  const article = map.text('article');
  const amountPaisa = map.natural('amountPaisa');
  const issuedAtMs = map.natural('issuedAtMs');
  const districtCode = map.text('districtCode');
  const applicant = map.text('applicant');
  const purpose = map.text('purpose');
  const challanNumber = map.text('challanNumber');
  const validUntil = map.date('validUntil');
  const factsRoot = map.bytes('factsRoot', 32);
  const salt = map.bytes('salt', 16);
  const logSizeAtIssue = map.natural('logSizeAtIssue');
  const sealedAtMs = map.natural('sealedAtMs');
  const printHash = map.bytes('printHash', 16);
  const firstParty = map.text('firstParty');
  const secondParty = map.text('secondParty');
  const cnicLast4 = map.text('cnicLast4');
  if (
    stampId === undefined ||
    psid === undefined ||
    kind === undefined ||
    article === undefined ||
    amountPaisa === undefined ||
    issuedAtMs === undefined ||
    districtCode === undefined ||
    applicant === undefined ||
    purpose === undefined ||
    challanNumber === undefined ||
    validUntil === undefined ||
    factsRoot === undefined ||
    salt === undefined ||
    logSizeAtIssue === undefined ||
    sealedAtMs === undefined ||
    issuedAtMs > INSTANT_MAX_MS ||
    sealedAtMs > INSTANT_MAX_MS ||
    amountPaisa > AMOUNT_MAX ||
    printHash === undefined ||
    (cnicLast4 !== undefined && !/^\d{4}$/.test(cnicLast4))
  ) {
    return undefined;
  }
  return {
    stampId,
    kind,
    article,
    amountPaisa,
    issuedAtMs,
    districtCode,
    applicant,
    ...(firstParty === undefined ? {} : { firstParty }),
    ...(secondParty === undefined ? {} : { secondParty }),
    ...(cnicLast4 === undefined ? {} : { cnicLast4 }),
    purpose,
    psid,
    challanNumber,
    validUntil,
    factsRoot,
    salt,
    logSizeAtIssue,
    sealedAtMs,
    printHash,
  };
}

type Key = keyof typeof PAYLOAD_KEYS;

/** Reads values of one decoded map; a value that is absent or of another kind reads as undefined. */
class Reader {
  readonly #map: ReadonlyMap<unknown, unknown>;

  constructor(map: ReadonlyMap<unknown, unknown>) {
    this.#map = map;
  }

  natural(key: Key): bigint | undefined {
    const value = this.#map.get(PAYLOAD_KEYS[key]);
    if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isSafeInteger(value))) {
      return undefined;
    }
    const whole = BigInt(value);
    return whole >= 0n && whole < VALUE_LIMIT ? whole : undefined;
  }

  digits(key: Key, length: number): string | undefined {
    const digits = this.natural(key)?.toString().padStart(length, '0');
    return digits?.length === length && hasValidCheckDigit(digits) ? digits : undefined;
  }

  text(key: Key): string | undefined {
    const value = this.#map.get(PAYLOAD_KEYS[key]);
    return typeof value === 'string' && value.length > 0 && value.length <= TEXT_UNITS_MAX
      ? value
      : undefined;
  }

  date(key: Key): string | undefined {
    const digits = this.natural(key)?.toString() ?? '';
    if (!/^\d{8}$/.test(digits)) return undefined;
    const text = `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
    const day = new Date(`${text}T00:00:00Z`);
    return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text) ? text : undefined;
  }

  bytes(key: Key, length: number): Uint8Array | undefined {
    const value = this.#map.get(PAYLOAD_KEYS[key]);
    return value instanceof Uint8Array && value.length === length ? value : undefined;
  }
}
