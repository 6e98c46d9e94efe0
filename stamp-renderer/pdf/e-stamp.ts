/**
 * The e-stamp certificate on A4 (DOMAIN.md §3). One drawing function for issuing and for checking: the verifier
 * draws the certificate again from what a PDF claims and compares. A change of the drawing is therefore a new
 * layout, with a number of its own in `CERTIFICATE_LAYOUT`.
 */
import { printedDate, printedTime } from '../../kernel/clock.ts';
import { amountInWords, formatRupees } from '../../kernel/money.ts';
import type { DocumentParty, StampDocument, StampState } from '../documents.ts';
import { matrixPng, qrMatrix, QUIET_MODULES } from '../seal/qr-image.ts';
import { guilloche, rosette } from './guilloche.ts';
import { psidGroups, stampIdGroups } from './printed.ts';
import { INK, Sheet, type FieldBox } from './sheet.ts';

/** The number of the drawing below; it stands in the certificate's attachment. */
export const CERTIFICATE_LAYOUT = 1;

const PAGE = { width: 595.28, height: 841.89 };
const LEFT = 46;
const RIGHT = PAGE.width - 46;
const WIDTH = RIGHT - LEFT;
const GREEN = '#0d4a34';
const GOLD = '#8a6a1f';
const LABEL = '#51655b';
const RED = '#a3161f';
/** The square kept for the QR code, and the parties' column beside it. */
const QR_SIDE = 160;
const QR_LEFT = RIGHT - QR_SIDE;
const COLUMN = QR_LEFT - LEFT - 16;
const FOOT = 700;
const PAGES_MAX = 5;

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
  attachment?: Attachment,
): Promise<DrawnStamp> {
  const sheet = new Sheet({
    title: `E-Stamp ${stampIdGroups(document.id)}`,
    size: 'A4',
    layout: 'portrait',
    createdAt: document.issuedAt,
    background: (page) => drawBackground(page, document),
  });
  drawHead(sheet, document);
  drawAmount(sheet, document);
  drawSeal(sheet, qrText);
  drawFacts(sheet, document);
  drawParties(sheet, document);
  drawFoot(sheet, document, qrText);
  if (attachment !== undefined) {
    sheet.document.file(attachment.bytes, {
      name: attachment.name,
      type: 'application/json',
      creationDate: document.issuedAt,
      modifiedDate: document.issuedAt,
      description: 'The facts of this e-stamp and its seal, for verification',
    });
  }
  return { pdf: await sheet.finish(), boxes: sheet.boxes };
}

function drawBackground(page: PDFKit.PDFDocument, document: StampDocument): void {
  // pdfkit turns the page upside down at its start; the curves do not mind.
  page.addContent(guilloche(PAGE.width, PAGE.height));
  const mark = MARKS[document.state];
  if (mark === undefined) return;
  page.save();
  page.rotate(-32, { origin: [PAGE.width / 2, PAGE.height / 2] });
  page.fillOpacity(0.2).fillColor(RED);
  page.font('latin-bold').fontSize(72);
  const y = PAGE.height / 2 - 30;
  const centred: PDFKit.Mixins.TextOptions = {
    lineBreak: false,
    features: [],
    baseline: 'alphabetic',
  };
  page.text(mark[0], (PAGE.width - page.widthOfString(mark[0])) / 2, y, centred);
  page.font('naskh-bold').fontSize(52);
  const width = page.widthOfString(mark[1], { features: [] });
  page.text(mark[1], (PAGE.width - width) / 2, y + 72, centred);
  page.restore();
}

function drawHead(sheet: Sheet, document: StampDocument): void {
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
  const centre = { x: LEFT, width: WIDTH, align: 'centre' } as const;
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
  const side = { x: RIGHT - 130, width: 130, align: 'end', color: GOLD } as const;
  sheet.text(kind, { ...side, y: 66, size: 11, weight: 'bold', spacing: 0.8, field: 'kind' });
  sheet.text(kindUrdu, { ...side, align: 'start', y: 83, size: 11.5 });
  page.save().lineWidth(1.4).strokeColor(GREEN);
  page.moveTo(LEFT, 126).lineTo(RIGHT, 126).stroke();
  page.lineWidth(0.4).moveTo(LEFT, 128.6).lineTo(RIGHT, 128.6).stroke().restore();
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
  const right = { x: QR_LEFT - 30, width: QR_SIDE + 30 };
  label(sheet, 'DATE AND TIME OF ISSUE', 'تاریخِ اجراء', { ...right, y: 136 });
  sheet.text(printedTime(document.issuedAt), {
    ...right,
    y: 149,
    size: 11.5,
    weight: 'bold',
    field: 'issuedAt',
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
  const page = sheet.document;
  page.save();
  page.roundedRect(LEFT, 184, COLUMN, 78, 3).fillOpacity(0.85).fillColor('#f3f8f4').fill();
  page
    .fillOpacity(1)
    .roundedRect(LEFT, 184, COLUMN, 78, 3)
    .lineWidth(0.8)
    .strokeColor(GREEN)
    .stroke();
  page.restore();
  const inner = { x: LEFT + 12, width: COLUMN - 24 };
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
    y: 232,
    size: 9.2,
    lines: 2,
    field: 'amountInWords',
  });
}

function drawSeal(sheet: Sheet, qrText: string): void {
  const matrix = qrMatrix(qrText);
  const modules = matrix.size + 2 * QUIET_MODULES;
  const fitting = Math.floor(QR_SIDE / POINTS_PER_DOT / modules);
  // An even number of dots from an even dot on: a 150-dpi scan or screen then shows every module alike. Names
  // too long for six dots keep the largest module that fits.
  const dots = fitting < 6 ? fitting : Math.min(DOTS_MAX, fitting - (fitting % 2));
  // One pixel a printer dot: viewers blur a picture that they must enlarge less than fourfold.
  const side = modules * dots * POINTS_PER_DOT;
  const grid = 2 * POINTS_PER_DOT;
  const x = Math.round((QR_LEFT + (QR_SIDE - side) / 2) / grid) * grid;
  const y = Math.round((184 + (QR_SIDE - side) / 2) / grid) * grid;
  sheet.document.save();
  sheet.document.rect(QR_LEFT, 184, QR_SIDE, QR_SIDE).fillColor('#ffffff').fill();
  sheet.document.image(matrixPng(matrix, { scale: dots, quiet: QUIET_MODULES }), x, y, {
    width: side,
  });
  sheet.document.rect(QR_LEFT, 184, QR_SIDE, QR_SIDE).lineWidth(0.8).strokeColor(GREEN).stroke();
  sheet.document.restore();
  sheet.mark({ field: 'qr', x: QR_LEFT, y: 184, width: QR_SIDE, height: QR_SIDE });
  const caption = { x: QR_LEFT, width: QR_SIDE, align: 'centre', color: LABEL } as const;
  sheet.text('Scan with any phone to verify', { ...caption, y: 346, size: 7.6 });
  sheet.text('تصدیق کے لیے اسکین کریں', { ...caption, y: 356, size: 8 });
}

function drawFacts(sheet: Sheet, document: StampDocument): void {
  fact(sheet, 'INSTRUMENT', 'دستاویز', {
    x: LEFT,
    y: 272,
    width: COLUMN - 66,
    text: document.description,
    field: 'description',
    lines: 2,
  });
  fact(sheet, 'ARTICLE', 'آرٹیکل', {
    x: LEFT + COLUMN - 56,
    y: 272,
    width: 56,
    text: document.article,
    field: 'article',
    lines: 1,
  });
  fact(sheet, 'REASON', 'غرض', {
    x: LEFT,
    y: 318,
    width: COLUMN,
    text: document.purpose,
    field: 'purpose',
    lines: 2,
  });
  const third = WIDTH / 3;
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
  let y = 438;
  const flow = (height: number): void => {
    if (y + height <= FOOT || sheet.boxes.length === 0) return;
    if ((sheet.boxes.at(-1)?.page ?? 0) + 1 >= PAGES_MAX) return;
    sheet.addPage();
    sheet.text(`E-STAMP ${stampIdGroups(document.id)}, continued`, {
      x: LEFT,
      y: 44,
      width: WIDTH,
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
    page.moveTo(LEFT, y).lineTo(RIGHT, y).stroke().restore();
    label(sheet, title, urdu, { x: LEFT, y: y + 3, width: WIDTH });
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
  const style = { x: LEFT, y, width: WIDTH, size: 9.4 };
  const height = sheet.heightOf(document.property, style);
  flow(height);
  sheet.text(document.property, { ...style, y, field: 'property' });
}

function partyHeight(sheet: Sheet, party: DocumentParty): number {
  const address = party.address === undefined ? 0 : sheet.heightOf(party.address, addressStyle(0));
  return sheet.heightOf(nameLine(party, ''), nameStyle(0)) + address + 3;
}

function nameLine(party: DocumentParty, number: string): string {
  return `${number}${party.name}${party.relation === undefined ? '' : `   ${party.relation}`}`;
}

function nameStyle(y: number): {
  x: number;
  y: number;
  width: number;
  size: number;
  weight: 'bold';
} {
  return { x: LEFT, y, width: WIDTH - 150, size: 10, weight: 'bold' };
}

function addressStyle(y: number): { x: number; y: number; width: number; size: number } {
  return { x: LEFT, y, width: WIDTH - 150, size: 8.6 };
}

function drawParty(
  sheet: Sheet,
  party: DocumentParty,
  { y, number, field }: { readonly y: number; readonly number: string; readonly field: string },
): number {
  let height = sheet.text(nameLine(party, number), { ...nameStyle(y), field: `${field}.name` });
  if (party.cnic !== undefined) {
    sheet.text(`CNIC ${party.cnic}`, {
      x: RIGHT - 140,
      y: y + 0.6,
      width: 140,
      size: 9.4,
      align: 'end',
      field: `${field}.cnic`,
    });
  }
  if (party.address !== undefined) {
    height += sheet.text(party.address, {
      ...addressStyle(y + height),
      color: '#3c4842',
      field: `${field}.address`,
    });
  }
  return height + 3;
}

function drawFoot(sheet: Sheet, document: StampDocument, qrText: string): void {
  const page = sheet.document;
  page.save().lineWidth(0.6).strokeColor(GREEN);
  page
    .rect(LEFT, FOOT + 8, WIDTH, 52)
    .dash(2, { space: 2 })
    .stroke()
    .undash()
    .restore();
  label(sheet, 'FOR THE REGISTERING OFFICER: DELISTED ON', 'برائے سب رجسٹرار', {
    x: LEFT + 8,
    y: FOOT + 12,
    width: WIDTH - 16,
  });
  const line = { y: FOOT + 44, size: 7.6, width: 200, color: LABEL };
  sheet.text('Date', { ...line, x: LEFT + 8 });
  sheet.text('Deed number and book', { ...line, x: LEFT + 120 });
  sheet.text('Office, name and signature', { ...line, x: LEFT + 300 });
  const address = qrText.slice(0, qrText.indexOf('#'));
  const note = { x: LEFT, width: WIDTH, size: 7.6, color: INK } as const;
  const y = FOOT + 66;
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
