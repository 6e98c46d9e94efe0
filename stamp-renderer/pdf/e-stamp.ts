/**
 * The e-stamp certificate on A4 (DOMAIN.md §3). One drawing function for issuing and for checking: the verifier
 * draws the certificate again from what a PDF claims and compares. A change of the drawing is therefore a new
 * layout, with a number of its own in `CERTIFICATE_LAYOUT`.
 */
import { printedDate, printedTime } from '../../kernel/clock.ts';
import { amountInWords, formatRupees } from '../../kernel/money.ts';
import type { StampState } from '../../kernel/stamp.ts';
import type { DocumentParty, StampDocument } from '../documents.ts';
import { matrixPng, qrMatrix, QUIET_MODULES } from '../seal/qr-image.ts';
import { packedGuilloche, rosette } from './guilloche.ts';
import { psidGroups, stampIdGroups } from './printed.ts';
import { prepareShaping } from './shaper.ts';
import { INK, Sheet, type FieldBox } from './sheet.ts';
import { placeSignature, signPlaced, type DocumentSigner } from './signature.ts';
import { amountInUrduWords } from './urdu-words.ts';

/** The number of the drawing below; it stands in the certificate's attachment. */
export const CERTIFICATE_LAYOUT = 2;

const LEFT = 46;
const GREEN = '#0d4a34';
const GOLD = '#8a6a1f';
const LABEL = '#51655b';
const RED = '#a3161f';
/** The square kept for the QR code, and the parties' column beside it. */
const QR_SIDE = 160;
/** Room kept at the foot of the page, for the registering officer and the notes. */
const FOOT_HEIGHT = 142;
const PAGES_MAX = 5;
const MICROTEXT_SIZE = 1.5;
const MICROTEXT = 'GOVERNMENT OF THE PUNJAB E-STAMP ';

/** How a certificate is printed; the facts on it are the same. */
export interface PrintOptions {
  /** A4 when absent. */
  readonly paper?: 'A4' | 'legal' | undefined;
  /** The number of this print when it is not the first: it says so across the page. */
  readonly duplicate?: number | undefined;
}

/** The lines that the drawing keeps to, from the size of the page. */
interface Frame {
  readonly page: { readonly width: number; readonly height: number };
  readonly right: number;
  readonly width: number;
  readonly qrLeft: number;
  /** Width of the column beside the code. */
  readonly column: number;
  readonly foot: number;
}

function frameOf(sheet: Sheet): Frame {
  const page = { width: sheet.document.page.width, height: sheet.document.page.height };
  const right = page.width - LEFT;
  const qrLeft = right - QR_SIDE;
  return {
    page,
    right,
    width: right - LEFT,
    qrLeft,
    column: qrLeft - LEFT - 16,
    foot: page.height - FOOT_HEIGHT,
  };
}

const POINTS_PER_DOT = 72 / 300;
/** Whole dots of a 300-dpi printer per module: never below 4, which is 0.34 mm. */
const DOTS_MAX = 6;

const KIND_TITLES: Readonly<Record<StampDocument['kind'], readonly [string, string]>> = {
  'non-judicial': ['NON-JUDICIAL', 'غیر عدالتی'],
  judicial: ['JUDICIAL', 'عدالتی'],
  'low-denomination': ['LOW DENOMINATION', 'کم مالیت'],
};

/** What is printed across a certificate that is no longer good. */
const MARKS: Readonly<Record<StampState, readonly [string, string] | undefined>> = {
  issued: undefined,
  delisted: ['USED', 'استعمال شدہ'],
  spoiled: ['SPOILED', 'ناقابلِ استعمال'],
  'refund-requested': ['SURRENDERED', 'برائے واپسی جمع'],
  refunded: ['REFUNDED', 'رقم واپس'],
  cancelled: ['CANCELLED', 'منسوخ'],
};

/** What an attachment to the certificate is called and holds. */
export interface Attachment {
  readonly name: string;
  readonly bytes: Buffer;
}

/** A drawn certificate and the places of its fields. */
export interface DrawnStamp {
  readonly pdf: Buffer;
  readonly boxes: readonly FieldBox[];
}

/** Draws the certificate. The same arguments give the same bytes. */
export async function drawStamp(
  document: StampDocument,
  qrText: string,
  options: PrintOptions & {
    readonly attachment?: Attachment;
    readonly signer?: DocumentSigner | undefined;
  } = {},
): Promise<DrawnStamp> {
  await prepareShaping();
  const { attachment, signer } = options;
  const sheet = new Sheet({
    title: `E-Stamp ${stampIdGroups(document.id)}`,
    size: options.paper === 'legal' ? 'LEGAL' : 'A4',
    layout: 'portrait',
    createdAt: document.issuedAt,
  });
  drawStampOn(sheet, { document, qrText, options });
  if (attachment !== undefined) {
    const options = {
      name: attachment.name,
      type: 'application/json',
      creationDate: document.issuedAt,
      modifiedDate: document.issuedAt,
      description: 'The facts of this e-stamp and its seal, for verification',
      // What the page shows is made from it; PDF/A-3 demands a relationship, and pdfkit's types do not know it.
      relationship: 'Source',
    };
    sheet.document.file(attachment.bytes, options);
  }
  if (signer !== undefined) placeSignature(sheet, { name: signer.name, at: document.issuedAt });
  const drawn = await sheet.finish();
  const pdf = signer === undefined ? drawn : await signPlaced(drawn, signer);
  return { pdf, boxes: sheet.boxes };
}

/** Draws the certificate on pages of its own of a sheet. */
export function drawStampOn(
  sheet: Sheet,
  {
    document,
    qrText,
    options,
  }: {
    readonly document: StampDocument;
    readonly qrText: string;
    readonly options: PrintOptions;
  },
): void {
  sheet.begin((page) => drawBackground(page, document, options));
  sheet.section('Sect', () => drawHead(sheet, document));
  sheet.section('Sect', () => drawAmount(sheet, document));
  sheet.section('Figure', () => drawSeal(sheet, qrText));
  sheet.section('Sect', () => drawFacts(sheet, document));
  sheet.section('Sect', () => drawParties(sheet, document));
  sheet.section('Sect', () => drawFoot(sheet, document, qrText));
}

function drawBackground(sheet: Sheet, document: StampDocument, options: PrintOptions): void {
  const { page } = frameOf(sheet);
  sheet.drawPacked('Guilloche', packedGuilloche(page));
  const mark = MARKS[document.state];
  if (mark !== undefined) drawMark(sheet, mark, page.height / 2);
  if (options.duplicate !== undefined) {
    const number = String(options.duplicate);
    drawMark(sheet, [`DUPLICATE PRINT ${number}`, `نقلِ ثانی ${number}`], page.height * 0.72, 40);
  }
}

/** Prints a word across the page, in both languages. */
function drawMark(sheet: Sheet, words: readonly [string, string], middle: number, size = 72): void {
  const { page } = frameOf(sheet);
  const { document } = sheet;
  document.save();
  document.rotate(-32, { origin: [page.width / 2, middle] });
  document.fillOpacity(0.2);
  const centred = { x: -100, width: page.width + 200, align: 'centre', color: RED } as const;
  const top = middle - size * 1.47;
  sheet.text(words[0], { ...centred, y: top, size, weight: 'bold', lines: 1 });
  sheet.text(words[1], { ...centred, y: top + size * 1.3, size: size * 0.72, lines: 1 });
  document.restore();
}

function drawHead(sheet: Sheet, document: StampDocument): void {
  const { right, width, qrLeft } = frameOf(sheet);
  const page = sheet.document;
  page.save();
  page.addContent(
    `q 0.45 w 0.54 0.42 0.12 RG ${rosette({ x: LEFT + 34, y: 80, radius: 32 }, 16)} Q`,
  );
  page
    .circle(LEFT + 34, 80, 16)
    .fillColor(GREEN)
    .fill();
  drawCrescent(page, LEFT + 34, 80);
  page.restore();
  const centre = { x: LEFT, width: width, align: 'centre' } as const;
  sheet.text('حکومتِ پنجاب', { ...centre, y: 36, size: 13, weight: 'bold', color: GREEN });
  sheet.text('GOVERNMENT OF THE PUNJAB', {
    ...centre,
    y: 57,
    size: 10,
    weight: 'bold',
    color: GREEN,
    spacing: 0.9,
  });
  sheet.text('E-STAMP', { ...centre, y: 68, size: 28, weight: 'bold', color: GREEN, spacing: 2 });
  sheet.text('ای اسٹامپ', { ...centre, y: 100, size: 13, color: GREEN });
  const [kind, kindUrdu] = KIND_TITLES[document.kind];
  const side = { x: right - 130, width: 130, align: 'end', color: GOLD } as const;
  sheet.text(kind, { ...side, y: 66, size: 11, weight: 'bold', spacing: 0.8, field: 'kind' });
  sheet.text(kindUrdu, { ...side, align: 'start', y: 83, size: 11.5 });
  page.save().lineWidth(1.4).strokeColor(GREEN);
  page.moveTo(LEFT, 126).lineTo(right, 126).stroke();
  page.lineWidth(0.4).moveTo(LEFT, 128.6).lineTo(right, 128.6).stroke().restore();
  microtext(sheet, document, 131);
  label(sheet, 'E-STAMP NUMBER', 'ای اسٹامپ نمبر', { x: LEFT, y: 136, width: 300 });
  sheet.text(stampIdGroups(document.id), {
    x: LEFT,
    y: 147,
    width: 320,
    size: 20,
    weight: 'bold',
    spacing: 0.6,
    field: 'stampId',
  });
  const beside = { x: qrLeft - 30, width: QR_SIDE + 30 };
  label(sheet, 'DATE AND TIME OF ISSUE', 'تاریخِ اجراء', { ...beside, y: 136 });
  sheet.text(printedTime(document.issuedAt), {
    ...beside,
    y: 149,
    size: 11.5,
    weight: 'bold',
    field: 'issuedAt',
  });
}

/** A line of letters too small for a copier; to the eye it is a rule. The number at its end is the stamp's. */
function microtext(sheet: Sheet, document: StampDocument, y: number): void {
  const { width } = frameOf(sheet);
  const style = { y, size: MICROTEXT_SIZE, color: GREEN, lines: 1 };
  const numberWidth = 24;
  const count = Math.floor((width - numberWidth) / sheet.widthOf(MICROTEXT, style));
  sheet.text(MICROTEXT.repeat(count).trim(), { ...style, x: LEFT, width });
  sheet.text(document.id, {
    ...style,
    x: LEFT + width - numberWidth,
    width: numberWidth,
    align: 'end',
  });
}

function drawCrescent(page: PDFKit.PDFDocument, x: number, y: number): void {
  page
    .circle(x - 1, y, 9)
    .fillColor('#ffffff')
    .fill();
  page
    .circle(x + 2.4, y - 1.4, 7.6)
    .fillColor(GREEN)
    .fill();
  const star = Array.from({ length: 10 }, (_, index) => {
    const radius = index % 2 === 0 ? 3.4 : 1.4;
    const angle = (Math.PI / 5) * index - Math.PI / 3;
    return [x + 5 + radius * Math.cos(angle), y - 3.2 + radius * Math.sin(angle)] as [
      number,
      number,
    ];
  });
  page
    .polygon(...star)
    .fillColor('#ffffff')
    .fill();
}

function drawAmount(sheet: Sheet, document: StampDocument): void {
  const { column } = frameOf(sheet);
  const page = sheet.document;
  page.save();
  page.roundedRect(LEFT, 184, column, 78, 3).fillOpacity(0.85).fillColor('#f3f8f4').fill();
  page
    .fillOpacity(1)
    .roundedRect(LEFT, 184, column, 78, 3)
    .lineWidth(0.8)
    .strokeColor(GREEN)
    .stroke();
  page.restore();
  const inner = { x: LEFT + 12, width: column - 24 };
  label(sheet, 'STAMP DUTY PAID', 'مالیت', { ...inner, y: 190 });
  sheet.text(`Rs. ${formatRupees(document.amount)}`, {
    ...inner,
    y: 199,
    size: 23,
    weight: 'bold',
    color: GREEN,
    lines: 1,
    field: 'amount',
  });
  sheet.text(amountInWords(document.amount), {
    ...inner,
    y: 226,
    size: 9.2,
    lines: 2,
    field: 'amountInWords',
  });
  sheet.text(amountInUrduWords(document.amount), {
    ...inner,
    y: 240,
    size: 9.2,
    lines: 1,
    field: 'amountInWords',
  });
}

function drawSeal(sheet: Sheet, qrText: string): void {
  const { qrLeft } = frameOf(sheet);
  const matrix = qrMatrix(qrText);
  const modules = matrix.size + 2 * QUIET_MODULES;
  const fitting = Math.floor(QR_SIDE / POINTS_PER_DOT / modules);
  // An even number of dots from an even dot on: a 150-dpi scan or screen then shows every module alike. Names
  // too long for six dots keep the largest module that fits.
  const dots = fitting < 6 ? fitting : Math.min(DOTS_MAX, fitting - (fitting % 2));
  // One pixel a printer dot: viewers blur a picture that they must enlarge less than fourfold.
  const side = modules * dots * POINTS_PER_DOT;
  const grid = 2 * POINTS_PER_DOT;
  const x = Math.round((qrLeft + (QR_SIDE - side) / 2) / grid) * grid;
  const y = Math.round((184 + (QR_SIDE - side) / 2) / grid) * grid;
  sheet.document.save();
  sheet.document.rect(qrLeft, 184, QR_SIDE, QR_SIDE).fillColor('#ffffff').fill();
  sheet.document.image(matrixPng(matrix, { scale: dots, quiet: QUIET_MODULES }), x, y, {
    width: side,
  });
  sheet.document.rect(qrLeft, 184, QR_SIDE, QR_SIDE).lineWidth(0.8).strokeColor(GREEN).stroke();
  sheet.document.restore();
  sheet.mark({ field: 'qr', x: qrLeft, y: 184, width: QR_SIDE, height: QR_SIDE });
  const caption = { x: qrLeft, width: QR_SIDE, align: 'centre', color: LABEL } as const;
  sheet.text('Scan with any phone to verify', { ...caption, y: 346, size: 7.6 });
  sheet.text('تصدیق کے لیے اسکین کریں', { ...caption, y: 356, size: 8 });
}

function drawFacts(sheet: Sheet, document: StampDocument): void {
  const { width, column } = frameOf(sheet);
  fact(sheet, 'INSTRUMENT', 'دستاویز', {
    x: LEFT,
    y: 272,
    width: column - 66,
    text: document.description,
    field: 'description',
    lines: 2,
  });
  fact(sheet, 'ARTICLE', 'آرٹیکل', {
    x: LEFT + column - 56,
    y: 272,
    width: 56,
    text: document.article,
    field: 'article',
    lines: 1,
  });
  fact(sheet, 'REASON', 'غرض', {
    x: LEFT,
    y: 318,
    width: column,
    text: document.purpose,
    field: 'purpose',
    lines: 2,
  });
  const third = width / 3;
  const rows = [
    ['PSID', 'پی ایس آئی ڈی', psidGroups(document.psid), 'psid'],
    ['CHALLAN 32-A', 'چالان نمبر', document.challanNumber, 'challanNumber'],
    ['PAID THROUGH', 'بذریعہ', document.paidThrough, 'paidThrough'],
    ['DISTRICT', 'ضلع', `${document.district} (${document.districtCode})`, 'district'],
    ['VALID UNTIL', 'میعاد', printedDate(document.validUntil), 'validUntil'],
  ] as const;
  rows.forEach(([english, urdu, text, field], index) =>
    fact(sheet, english, urdu, {
      x: LEFT + (index % 3) * third,
      y: 371 + Math.floor(index / 3) * 32,
      width: third - 10,
      text,
      field,
      lines: 1,
    }),
  );
}

function drawParties(sheet: Sheet, document: StampDocument): void {
  const { right, width, foot } = frameOf(sheet);
  let y = 438;
  const flow = (height: number): void => {
    if (y + height <= foot || sheet.boxes.length === 0) return;
    if ((sheet.boxes.at(-1)?.page ?? 0) + 1 >= PAGES_MAX) return;
    sheet.addPage();
    sheet.text(`E-STAMP ${stampIdGroups(document.id)}, continued`, {
      x: LEFT,
      y: 44,
      width: width,
      size: 11,
      weight: 'bold',
      color: GREEN,
    });
    y = 72;
  };
  const section = (title: string, urdu: string): void => {
    flow(52);
    const page = sheet.document;
    page.save().lineWidth(0.6).strokeColor(GREEN);
    page.moveTo(LEFT, y).lineTo(right, y).stroke().restore();
    label(sheet, title, urdu, { x: LEFT, y: y + 3, width: width });
    y += 15;
  };
  const group = (
    title: string,
    urdu: string,
    parties: readonly DocumentParty[],
    field: string,
  ): void => {
    if (parties.length === 0) return;
    section(parties.length > 1 ? `${title} (${String(parties.length)})` : title, urdu);
    parties.forEach((party, index) => {
      const number = parties.length > 1 ? `${String(index + 1)}. ` : '';
      flow(partyHeight(sheet, party));
      const one = field === 'applicant' || field === 'agent';
      const place = one ? field : `${field}.${String(index + 1)}`;
      y += drawParty(sheet, party, { y, number, field: place });
    });
    y += 4;
  };
  group('APPLICANT', 'درخواست گزار', [document.applicant], 'applicant');
  group('AGENT', 'نمائندہ', document.agent === undefined ? [] : [document.agent], 'agent');
  group('FIRST PARTY', 'فریقِ اول', document.firstParties, 'firstParty');
  group('SECOND PARTY', 'فریقِ دوم', document.secondParties, 'secondParty');
  if (document.property === undefined) return;
  section('PROPERTY', 'جائیداد');
  const style = { x: LEFT, y, width: width, size: 9.4 };
  const height = sheet.heightOf(document.property, style);
  flow(height);
  sheet.text(document.property, { ...style, y, field: 'property' });
}

function partyHeight(sheet: Sheet, party: DocumentParty): number {
  const { width } = frameOf(sheet);
  const address =
    party.address === undefined ? 0 : sheet.heightOf(party.address, addressStyle(0, width));
  return sheet.heightOf(nameLine(party, ''), nameStyle(0, width)) + address + 3;
}

function nameLine(party: DocumentParty, number: string): string {
  return `${number}${party.name}${party.relation === undefined ? '' : `   ${party.relation}`}`;
}

function nameStyle(
  y: number,
  width: number,
): {
  x: number;
  y: number;
  width: number;
  size: number;
  weight: 'bold';
} {
  return { x: LEFT, y, width: width - 150, size: 10, weight: 'bold' };
}

function addressStyle(
  y: number,
  width: number,
): { x: number; y: number; width: number; size: number } {
  return { x: LEFT, y, width: width - 150, size: 8.6 };
}

function drawParty(
  sheet: Sheet,
  party: DocumentParty,
  { y, number, field }: { readonly y: number; readonly number: string; readonly field: string },
): number {
  const { right, width } = frameOf(sheet);
  let height = sheet.text(nameLine(party, number), {
    ...nameStyle(y, width),
    field: `${field}.name`,
  });
  if (party.cnic !== undefined) {
    sheet.text(`CNIC ${party.cnic}`, {
      x: right - 140,
      y: y + 0.6,
      width: 140,
      size: 9.4,
      align: 'end',
      field: `${field}.cnic`,
    });
  }
  if (party.address !== undefined) {
    height += sheet.text(party.address, {
      ...addressStyle(y + height, width),
      color: '#3c4842',
      field: `${field}.address`,
    });
  }
  return height + 3;
}

function drawFoot(sheet: Sheet, document: StampDocument, qrText: string): void {
  const { width, foot } = frameOf(sheet);
  const page = sheet.document;
  page.save().lineWidth(0.6).strokeColor(GREEN);
  page
    .rect(LEFT, foot + 8, width, 52)
    .dash(2, { space: 2 })
    .stroke()
    .undash()
    .restore();
  label(sheet, 'FOR THE REGISTERING OFFICER: DELISTED ON', 'برائے سب رجسٹرار', {
    x: LEFT + 8,
    y: foot + 12,
    width: width - 16,
  });
  const line = { y: foot + 44, size: 7.6, width: 200, color: LABEL };
  sheet.text('Date', { ...line, x: LEFT + 8 });
  sheet.text('Deed number and book', { ...line, x: LEFT + 120 });
  sheet.text('Office, name and signature', { ...line, x: LEFT + 300 });
  const address = qrText.slice(0, qrText.indexOf('#'));
  const note = { x: LEFT, width: width, size: 7.6, color: INK } as const;
  const y = foot + 66;
  const height = sheet.text(
    `Verify this e-stamp by scanning the code, at ${address}, or by SMS: send eStamp ${document.id} to 8100. The code holds the facts of this paper under an electronic signature: compare them with the paper. It can be checked without a network.`,
    { ...note, y },
  );
  sheet.text(
    'اس ای اسٹامپ کی تصدیق کوڈ اسکین کر کے، ویب سائٹ پر یا ایس ایم ایس سے کی جا سکتی ہے۔ کوڈ میں درج کوائف کا کاغذ سے موازنہ کریں۔',
    { ...note, y: y + height, size: 8 },
  );
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

function label(sheet: Sheet, english: string, urdu: string, place: Place): void {
  const size = 6.6;
  sheet.text(english, { ...place, size, spacing: 0.3, color: LABEL, lines: 1 });
  const width = sheet.widthOf(english, { size, spacing: 0.3 });
  if (width + sheet.widthOf(urdu, { size: 7 }) + 6 > place.width) return;
  sheet.text(urdu, {
    x: place.x + width + 6,
    y: place.y - 0.6,
    width: place.width - width - 6,
    size: 7,
    align: 'end',
    color: LABEL,
    lines: 1,
  });
}

function fact(
  sheet: Sheet,
  english: string,
  urdu: string,
  place: Place & { readonly text: string; readonly field: string; readonly lines: number },
): void {
  const { x, y, width, text, field, lines } = place;
  label(sheet, english, urdu, { x, y, width });
  sheet.text(text, { x, y: y + 10, width, size: 10.4, weight: 'bold', lines, field });
}
