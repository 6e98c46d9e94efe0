/**
 * Compares what a PDF shows with what its seal says. The file's own claim (claim.ts) is first proved from the
 * seal; then the certificate is drawn again from the claim, and the two are compared twice: the text, piece by
 * piece with its place, and the picture, point by point. Text that is hidden, painted over, added or set in
 * another colour shows in one or the other.
 */
import { paisa } from '../../kernel/money.ts';
import { CLAIM_NAME, decodeClaim, type Claim } from '../claim.ts';
import type { StampDocument } from '../documents.ts';
import { drawStamp, type PrintOptions } from '../pdf/e-stamp.ts';
import type { FieldBox } from '../pdf/sheet.ts';
import { equalBytes } from '../seal/bytes.ts';
import { sealFactsOf } from '../seal/facts-of-document.ts';
import type { SealFacts } from '../seal/facts.ts';
import { unprovenFacts } from '../seal/openings.ts';
import type { FileReader, ReadPage, ReadPdf, TextItem } from './file-reader.ts';
import type { Reason } from './report.ts';
import { refusal, type PrintResult } from './verify-qr.ts';

/** The picture has two pixels a point. */
const PIXELS_PER_POINT = 2;
/** A colour value may differ by this much: less cannot be read on paper. */
const COLOUR_DIFFERENCE_MAX = 40;
/** Fewer differing pixels than this are the rounding of another renderer's edges. */
const PIXELS_MIN = 4;
const SHOWN_CHARACTERS = 120;

/** The printed field that each sealed fact governs. */
const FIELD_OF_FACT: Readonly<Record<Exclude<keyof SealFacts, 'printHash'>, string>> = {
  stampId: 'stampId',
  kind: 'kind',
  article: 'article',
  amountPaisa: 'amount',
  issuedAtMs: 'issuedAt',
  districtCode: 'district',
  applicant: 'applicant.name',
  firstParty: 'firstParty.1.name',
  secondParty: 'secondParty.1.name',
  cnicLast4: 'applicant.cnic',
  purpose: 'purpose',
  psid: 'psid',
  challanNumber: 'challanNumber',
  validUntil: 'validUntil',
  factsRoot: 'facts',
  salt: 'facts',
  logSizeAtIssue: 'facts',
  sealedAtMs: 'facts',
};

/** Fields that stand at the same place on every certificate and are fully in the seal. */
const FIXED_FIELDS = new Set([
  'stampId',
  'kind',
  'issuedAt',
  'amount',
  'amountInWords',
  'article',
  'psid',
  'challanNumber',
  'validUntil',
]);

/** Compares a PDF with the facts of the seal found in it; `qrText` is what its picture's code says. */
export async function comparePrint(
  given: ReadPdf,
  sealed: { readonly facts: SealFacts; readonly qrText: string },
  reader: FileReader,
): Promise<PrintResult> {
  const attachment = given.attachments.find(({ name }) => name === CLAIM_NAME);
  const claim = attachment === undefined ? undefined : decodeClaim(attachment.bytes);
  const reasons =
    claim === undefined
      ? await compareWithSealOnly(given, sealed, reader)
      : (proveClaim(claim, sealed) ?? (await compareWithClaim(given, claim, reader)));
  return { print: { state: reasons.length === 0 ? 'agrees' : 'differs' }, reasons };
}

/** What the seal does not bear out of a claim; undefined when it bears out all of it. */
function proveClaim(
  claim: Claim,
  { facts, qrText }: { readonly facts: SealFacts; readonly qrText: string },
): Reason[] | undefined {
  const claimed = sealFactsOf(claim.document, new Date(Number(facts.sealedAtMs)));
  // Object.keys is typed with strings; these are exactly the keys of the table.
  const keys = Object.keys(FIELD_OF_FACT) as (keyof typeof FIELD_OF_FACT)[];
  const fields = keys
    .filter((key) => !isSame(claimed[key], facts[key]))
    .map((key) => FIELD_OF_FACT[key]);
  for (const [field, from] of Object.entries({ district: 0, paidThrough: 8 })) {
    const [left, right] = [claimed, facts].map((each) => each.printHash.slice(from, from + 8));
    if (!isSame(left, right)) fields.push(field);
  }
  if (claim.qr !== qrText) fields.push('qr');
  const unproven = unprovenFacts(claim.document, claim.facts);
  fields.push(...unproven.map(fieldOfLabel));
  if (fields.length === 0) return undefined;
  // Where a printed fact is found to differ, its commitment does too; that says nothing more.
  const named = fields.filter((field) => field !== 'facts');
  return differing(named.length === 0 ? fields : named);
}

function isSame(left: unknown, right: unknown): boolean {
  return left instanceof Uint8Array && right instanceof Uint8Array
    ? equalBytes(left, right)
    : left === right;
}

function fieldOfLabel(label: string): string {
  if (label === '*') return 'facts';
  if (label === 'challan') return 'challanNumber';
  return label.replace(/^(first|second)\./, '$1Party.');
}

function differing(fields: Iterable<string>): Reason[] {
  return [...new Set(fields)].map((field) => refusal('printed-fact-differs', field));
}

async function compareWithClaim(
  given: ReadPdf,
  claim: Claim,
  reader: FileReader,
): Promise<Reason[]> {
  const { reference, boxes } = await drawReference(claim.document, claim.qr, reader, claim.print);
  if (!given.isPlain || !given.pages.every((page) => page.isPlain && page.isComplete)) {
    return differing(['page']);
  }
  if (given.pages.length !== reference.pages.length) return differing(['page']);
  const reasons = new Map<string, Reason>();
  reference.pages.forEach((expected, number) => {
    const page = given.pages[number];
    if (page === undefined) return;
    const places = boxes.filter((box) => box.page === number);
    for (const reason of compareText(page, expected, places)) {
      reasons.set(reason.field ?? '', reason);
    }
    for (const field of comparePicture(page, expected, places)) {
      if (!reasons.has(field)) reasons.set(field, refusal('printed-fact-differs', field));
    }
  });
  return [...reasons.values()];
}

/**
 * A certificate whose attachment was lost cannot be proved as a whole and is refused; what can be said all the
 * same is which of the fixed, sealed fields show something else.
 */
async function compareWithSealOnly(
  given: ReadPdf,
  { facts, qrText }: { readonly facts: SealFacts; readonly qrText: string },
  reader: FileReader,
): Promise<Reason[]> {
  const { reference, boxes } = await drawReference(documentOf(facts), qrText, reader);
  const [page] = given.pages;
  const [expected] = reference.pages;
  if (page === undefined || expected === undefined) return differing(['page']);
  const places = boxes.filter((box) => box.page === 0);
  const reasons = compareText(page, expected, places).filter(({ field }) =>
    FIXED_FIELDS.has(field ?? ''),
  );
  return reasons.length === 0 ? differing(['facts']) : reasons;
}

async function drawReference(
  document: StampDocument,
  qrText: string,
  reader: FileReader,
  print: PrintOptions = {},
): Promise<{ reference: ReadPdf; boxes: readonly FieldBox[] }> {
  const { pdf, boxes } = await drawStamp(document, qrText, print);
  const reference = await reader.readPdfPages(pdf);
  if (!reference.readable) return { reference: { ...NO_PAGES }, boxes };
  return { reference, boxes };
}

/** Stands for a reference that could not be read, so that nothing agrees with it: fail closed. */
const NO_PAGES: ReadPdf = {
  readable: true,
  kind: 'pdf',
  pages: [],
  attachments: [],
  isPlain: false,
};

/** As much of a document as the seal alone gives. */
function documentOf(facts: SealFacts): StampDocument {
  return {
    id: facts.stampId,
    kind: facts.kind,
    description: facts.article,
    article: facts.article,
    amount: paisa(facts.amountPaisa),
    applicant: { name: facts.applicant },
    firstParties: [],
    secondParties: [],
    purpose: facts.purpose,
    district: facts.districtCode,
    districtCode: facts.districtCode,
    challanNumber: facts.challanNumber,
    psid: facts.psid,
    paidThrough: '',
    issuedAt: new Date(Number(facts.issuedAtMs)),
    validUntil: facts.validUntil,
    state: 'issued',
    factsRoot: facts.factsRoot,
    openings: [],
    salt: facts.salt,
    logSizeAtIssue: facts.logSizeAtIssue,
  };
}

/** The fields in which a piece of text was added, removed, moved or changed. */
function compareText(given: ReadPage, expected: ReadPage, boxes: readonly FieldBox[]): Reason[] {
  const fields = new Set(
    [...missingFrom(expected.items, given.items), ...missingFrom(given.items, expected.items)].map(
      (item) => fieldAt(boxes, item.x + 0.5, item.y - 1),
    ),
  );
  return [...fields].map((field) => {
    const box = boxes.find((each) => each.field === field);
    return {
      ...refusal('printed-fact-differs', field),
      ...(box === undefined
        ? {}
        : { printed: textIn(given, box, boxes), sealed: textIn(expected, box, boxes) }),
    };
  });
}

function missingFrom(items: readonly TextItem[], others: readonly TextItem[]): TextItem[] {
  const counts = new Map<string, number>();
  for (const item of others) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return items.filter((item) => {
    const left = (counts.get(keyOf(item)) ?? 0) - 1;
    counts.set(keyOf(item), left);
    return left < 0;
  });
}

function keyOf(item: TextItem): string {
  return `${item.text}@${item.x.toFixed(0)},${item.y.toFixed(0)},${item.width.toFixed(0)}`;
}

function textIn(page: ReadPage, box: FieldBox, boxes: readonly FieldBox[]): string {
  return page.items
    .filter((item) => fieldAt(boxes, item.x + 0.5, item.y - 1) === box.field)
    .map((item) => item.text)
    .join(' ')
    .slice(0, SHOWN_CHARACTERS);
}

/** The fields in which the pictures differ. */
function comparePicture(given: ReadPage, expected: ReadPage, boxes: readonly FieldBox[]): string[] {
  if (given.width !== expected.width || given.height !== expected.height) return ['page'];
  const counts = new Map<string, number>();
  const [left, right] = [given.pixels, expected.pixels];
  for (let at = 0; at < right.length; at += 4) {
    if (!differsAt(left, right, at)) continue;
    const pixel = at / 4;
    const x = (pixel % given.width) / PIXELS_PER_POINT;
    const y = Math.floor(pixel / given.width) / PIXELS_PER_POINT;
    const field = fieldAt(boxes, x, y);
    counts.set(field, (counts.get(field) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count >= PIXELS_MIN).map(([field]) => field);
}

function differsAt(left: Uint8Array, right: Uint8Array, at: number): boolean {
  for (let channel = at; channel < at + 3; channel += 1) {
    const difference = (left[channel] ?? 0) - (right[channel] ?? 0);
    if (difference > COLOUR_DIFFERENCE_MAX || difference < -COLOUR_DIFFERENCE_MAX) return true;
  }
  return false;
}

/** The field printed at a point of the page, or `page` where there is none. */
function fieldAt(boxes: readonly FieldBox[], x: number, y: number): string {
  const box = boxes.find(
    (each) => x >= each.x && x <= each.x + each.width && y >= each.y && y <= each.y + each.height,
  );
  return box?.field ?? 'page';
}
