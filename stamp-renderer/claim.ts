/**
 * The JSON that a certificate carries as an attachment: what it claims to say. A claim proves nothing by itself.
 * The verifier proves it from the seal (short forms and `factsRoot`), draws the certificate again from it, and
 * compares that with what the file shows.
 */
import { z } from 'zod';
import { paisa } from '../kernel/money.ts';
import { STAMP_KINDS, STAMP_STATES } from '../kernel/stamp.ts';
import type { StampDocument } from './documents.ts';
import { CERTIFICATE_LAYOUT, type PrintOptions } from './pdf/e-stamp.ts';
import { fromHex, toHex } from './seal/bytes.ts';
import { shownOpenings, type FactLeaf } from './seal/openings.ts';

export const CLAIM_NAME = 'e-stamp.json';
const CLAIM_CHARACTERS_MAX = 100_000;
const PARTIES_MAX = 100;

const text = z.string().max(2000);
const bytes = (length: number): z.ZodType<Uint8Array> =>
  z.string().transform((value, context) => {
    const read = fromHex(value, length);
    if (read === undefined) context.addIssue('is not hex of the right length');
    return read ?? new Uint8Array();
  });
const natural = z
  .string()
  .regex(/^(0|[1-9]\d{0,15})$/)
  .transform(BigInt);
const party = z.strictObject({
  name: text,
  relation: text.exactOptional(),
  cnic: text.exactOptional(),
  address: text.exactOptional(),
});

const claimSchema = z.strictObject({
  format: z.literal('sanad-e-stamp'),
  layout: z.literal(CERTIFICATE_LAYOUT),
  qr: z.string().max(2000),
  print: z.strictObject({
    paper: z.enum(['A4', 'legal']),
    duplicate: z.int().min(1).max(99_999).exactOptional(),
  }),
  document: z.strictObject({
    id: z.string().regex(/^\d{16}$/),
    kind: z.enum(STAMP_KINDS),
    description: text,
    article: text,
    amount: natural.refine((value) => value <= 10n ** 15n).transform(paisa),
    applicant: party,
    agent: party.exactOptional(),
    firstParties: z.array(party).max(PARTIES_MAX),
    secondParties: z.array(party).max(PARTIES_MAX),
    purpose: text,
    property: text.exactOptional(),
    district: text,
    districtCode: text,
    challanNumber: text,
    psid: z.string().regex(/^\d{17}$/),
    paidThrough: text,
    issuedAt: z.iso.datetime().transform((value) => new Date(value)),
    validUntil: z.iso.date(),
    state: z.enum(STAMP_STATES),
    factsRoot: bytes(32),
    salt: bytes(16),
    logSizeAtIssue: natural,
  }),
  facts: z
    .array(
      z.union([
        z.strictObject({ label: text, value: text, salt: bytes(16) }),
        z.strictObject({ label: text, hash: bytes(32) }),
      ]),
    )
    .max(1000),
});

/** What a certificate says of itself. */
export interface Claim {
  readonly qr: string;
  readonly print: PrintOptions;
  /** Without openings: `facts` has those that were given. */
  readonly document: StampDocument;
  readonly facts: readonly FactLeaf[];
}

/** Writes the claim of a certificate. */
export function encodeClaim(
  document: StampDocument,
  qrText: string,
  { paper = 'A4', duplicate }: PrintOptions = {},
): Buffer {
  const facts = shownOpenings(document);
  const claim = {
    format: 'sanad-e-stamp',
    layout: CERTIFICATE_LAYOUT,
    qr: qrText,
    print: { paper, duplicate },
    document: {
      ...document,
      // Those that may be shown are in `facts`.
      openings: undefined,
      amount: document.amount.toString(),
      issuedAt: document.issuedAt.toISOString(),
      factsRoot: toHex(document.factsRoot),
      salt: toHex(document.salt),
      logSizeAtIssue: document.logSizeAtIssue.toString(),
    },
    facts: facts.map((leaf) =>
      'value' in leaf
        ? { label: leaf.label, value: leaf.value, salt: toHex(leaf.salt) }
        : { label: leaf.label, hash: toHex(leaf.hash) },
    ),
  };
  return Buffer.from(JSON.stringify(claim), 'utf8');
}

/** Reads a claim; undefined for anything that is not exactly one of this layout. */
export function decodeClaim(content: Uint8Array): Claim | undefined {
  if (content.length > CLAIM_CHARACTERS_MAX) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));
  } catch {
    // Not UTF-8 or not JSON: no claim.
    return undefined;
  }
  const parsed = claimSchema.safeParse(value);
  if (!parsed.success) return undefined;
  const { qr, print, document, facts } = parsed.data;
  return { qr, print, document: { ...document, openings: [] }, facts };
}
