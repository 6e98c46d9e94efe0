/**
 * A document under way: pages, wrapped text in two scripts, and the record of where each field was printed,
 * which the verifier uses to name what was changed. Lengths are PDF points from the top left corner.
 */
import PDFDocument from 'pdfkit';
import { DocumentFonts } from './fonts.ts';
import { loadFont, type FontName, type ShapedRun } from './shaper.ts';
import { isRightToLeft, printable, visualRuns, type Script } from './text-runs.ts';

export type Weight = 'regular' | 'bold';

/** Where a field stands on which page. */
export interface FieldBox {
  readonly field: string;
  /** From 0. */
  readonly page: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface TextStyle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly size: number;
  readonly weight?: Weight;
  readonly color?: string;
  readonly align?: 'start' | 'centre' | 'end';
  /** Extra points between letters; for Latin capitals only. */
  readonly spacing?: number;
  /** Most lines; a text that needs more is cut with an ellipsis. */
  readonly lines?: number;
  /** Records the place under this name. */
  readonly field?: string;
}

export const INK = '#17211c';
const LINE_HEIGHT = 1.36;
/** Nastaliq words climb from the right, so their lines need more room. */
const URDU_LINE_HEIGHT = 1.9;
/** Nastaliq letters are drawn smaller, to look as large as the Latin beside them. */
const URDU_SCALE = 0.94;
/** Where the base line of a line stands, in sizes from its top. */
const BASE = 1.05;
const URDU_BASE = 1.18;

export interface SheetOptions {
  readonly title: string;
  /** `A4`, `LEGAL`, or width and height in points. */
  readonly size: 'A4' | 'LEGAL' | readonly [number, number];
  readonly layout: 'portrait' | 'landscape';
  readonly createdAt: Date;
  /** False leaves the structure for screen readers out: for files of thousands of pages. */
  readonly tagged?: boolean;
  /** Told of the file's bytes as they are made, which are then not kept. */
  readonly write?: (chunk: Buffer) => void;
}

/** Parts of a document as a screen reader knows them (ISO 32000-1, 14.8.4). */
type SectionKind = 'Sect' | 'Figure';

/** A run of one script with its glyphs and its width in points. */
interface MeasuredRun {
  readonly font: FontName;
  readonly size: number;
  readonly spacing: number;
  readonly run: ShapedRun;
  readonly width: number;
}

export class Sheet {
  readonly document: PDFKit.PDFDocument;
  readonly boxes: FieldBox[] = [];
  readonly #tagged: boolean;
  readonly #fonts: DocumentFonts;
  readonly #forms = new Map<string, PDFKit.PDFKitReference>();
  readonly #finished: Promise<Buffer>;
  #background: (sheet: Sheet) => void = () => undefined;
  #section:
    { readonly kind: SectionKind; readonly element: PDFKit.PDFStructureElement } | undefined;
  #page = -1;

  constructor(options: SheetOptions) {
    const { createdAt, title, size, tagged = true, write } = options;
    this.#tagged = tagged;
    this.document = new PDFDocument({
      autoFirstPage: false,
      margin: 0,
      size: typeof size === 'string' ? size : [...size],
      layout: options.layout,
      font: '',
      lang: 'en-PK',
      displayTitle: true,
      // PDF/A-3b: the facts travel in it as an attachment.
      subset: 'PDF/A-3b',
      pdfVersion: '1.7',
      tagged,
      info: { Title: title, Producer: 'Sanad', Creator: 'Sanad', CreationDate: createdAt },
    });
    this.#finished = collect(this.document, write);
    this.#fonts = new DocumentFonts(this.document);
  }

  /** Begins the first page of a document; `background` is drawn first on each of its pages. */
  begin(background: (sheet: Sheet) => void): void {
    this.#background = background;
    this.#page = -1;
    this.boxes.length = 0;
    this.addPage();
  }

  /** What `draw` draws is one part of the document for a screen reader. */
  section(kind: SectionKind, draw: () => void): void {
    if (!this.#tagged) {
      draw();
      return;
    }
    const element = this.document.struct(kind);
    this.document.addStructure(element);
    this.#section = { kind, element };
    draw();
    this.#section = undefined;
    element.end();
  }

  /** Draws with the current part's mark, so that it is read with it. */
  marked(draw: () => void): void {
    if (this.#section === undefined) {
      draw();
      return;
    }
    const { kind, element } = this.#section;
    element.add(this.document.markStructureContent(kind));
    draw();
    this.document.endMarkedContent();
  }

  /** Begins a page with its background. */
  addPage(): void {
    this.document.addPage();
    this.#page += 1;
    const section = this.#section;
    this.#section = undefined;
    if (this.#tagged) this.document.markContent('Artifact', { type: 'Page' });
    this.document.save();
    this.#background(this);
    this.document.restore();
    if (this.#tagged) this.document.endMarkedContent();
    this.#section = section;
  }

  /**
   * Draws operators that were packed by deflate before, as a form of its own: the same form on every page, and nothing
   * of it is packed again.
   */
  drawPacked(name: string, packed: Buffer): void {
    let form = this.#forms.get(name);
    if (form === undefined) {
      const { width, height } = this.document.page;
      form = this.document.ref({
        Type: 'XObject',
        Subtype: 'Form',
        BBox: [0, 0, width, height],
        Resources: {},
        Filter: 'FlateDecode',
      });
      form.end(packed);
      this.#forms.set(name, form);
    }
    // The page's table of forms and pictures, which pdfkit's types do not show.
    const page = this.document.page as unknown as { xobjects: Record<string, unknown> };
    page.xobjects[name] = form;
    this.document.addContent(`/${name} Do`);
  }

  /** Notes that a field was drawn here. */
  mark(box: Omit<FieldBox, 'page'>): void {
    this.boxes.push({ ...box, page: this.#page });
  }

  /** Prints text, wrapped at blanks, and returns its height. */
  text(text: string, style: TextStyle): number {
    const lines = this.#wrap(printable(text), style);
    let height = 0;
    this.marked(() => {
      for (const line of lines) {
        this.#line(line, style, style.y + height);
        height += stepOf(line, style.size);
      }
    });
    if (lines.length === 0) height = stepOf('', style.size);
    if (style.field !== undefined) {
      const { x, y, width, field } = style;
      this.mark({ field, x, y, width, height });
    }
    return height;
  }

  /** The height that `text` would take. */
  heightOf(text: string, style: TextStyle): number {
    const lines = this.#wrap(printable(text), style);
    return lines.length === 0
      ? stepOf('', style.size)
      : lines.reduce((total, line) => total + stepOf(line, style.size), 0);
  }

  /** The width of one line of text. */
  widthOf(text: string, style: Pick<TextStyle, 'size' | 'weight' | 'spacing'>): number {
    return visualRuns(text).reduce((total, run) => total + measured(run, style).width, 0);
  }

  /** Ends the document and returns its bytes. */
  async finish(): Promise<Buffer> {
    this.#fonts.embed();
    this.document.end();
    return this.#finished;
  }

  #wrap(text: string, style: TextStyle): string[] {
    // Most texts fit, and are then measured once.
    if (text !== '' && this.widthOf(text, style) <= style.width) return [text];
    const most = style.lines ?? 60;
    const lines: string[] = [];
    let line = '';
    for (const word of text.split(' ').flatMap((each) => this.#pieces(each, style))) {
      const longer = line === '' ? word : `${line} ${word}`;
      if (line !== '' && this.widthOf(longer, style) > style.width) {
        lines.push(line);
        line = word;
      } else {
        line = longer;
      }
    }
    if (line !== '') lines.push(line);
    return lines.length <= most
      ? lines
      : [...lines.slice(0, most - 1), this.#ellipsis(lines.slice(most - 1).join(' '), style)];
  }

  /** A word, cut where it is wider than the line. */
  #pieces(word: string, style: TextStyle): string[] {
    if (this.widthOf(word, style) <= style.width) return [word];
    const pieces: string[] = [];
    let piece = '';
    for (const character of word) {
      if (piece !== '' && this.widthOf(piece + character, style) > style.width) {
        pieces.push(piece);
        piece = '';
      }
      piece += character;
    }
    return [...pieces, piece];
  }

  #ellipsis(text: string, style: TextStyle): string {
    const characters = Array.from(text);
    while (characters.length > 1 && this.widthOf(`${characters.join('')}…`, style) > style.width) {
      characters.pop();
    }
    return `${characters.join('').trimEnd()}…`;
  }

  #line(line: string, style: TextStyle, y: number): void {
    const runs = visualRuns(line).map((run) => measured(run, style));
    const width = runs.reduce((total, run) => total + run.width, 0);
    let x = style.x + (style.width - width) * share(line, style.align ?? 'start');
    const baseline = y + style.size * (isUrdu(line) ? URDU_BASE : BASE);
    this.document.fillColor(style.color ?? INK);
    for (const run of runs) {
      this.document.addContent(this.#fonts.operators({ ...run, x, y: baseline }));
      x += run.width;
    }
  }
}

function isUrdu(line: string): boolean {
  return visualRuns(line).some(({ script }) => script === 'urdu');
}

function stepOf(line: string, size: number): number {
  return size * (isUrdu(line) ? URDU_LINE_HEIGHT : LINE_HEIGHT);
}

function measured(
  { text, script }: { readonly text: string; readonly script: Script },
  style: Pick<TextStyle, 'size' | 'weight' | 'spacing'>,
): MeasuredRun {
  const font: FontName = script === 'urdu' ? 'nastaliq' : `latin-${style.weight ?? 'regular'}`;
  const size = script === 'urdu' ? style.size * URDU_SCALE : style.size;
  const spacing = script === 'urdu' ? 0 : (style.spacing ?? 0);
  const run = loadFont(font).shape(text);
  return {
    font,
    size,
    spacing,
    run,
    width: (run.width * size) / 1000 + spacing * run.glyphs.length,
  };
}

/** The share of the free width that stands to the left of a line. */
function share(line: string, align: 'start' | 'centre' | 'end'): number {
  if (align === 'centre') return 0.5;
  return (align === 'end') === isRightToLeft(line) ? 0 : 1;
}

function collect(
  document: PDFKit.PDFDocument,
  write: ((chunk: Buffer) => void) | undefined,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    document.on('data', (chunk: Buffer) => {
      if (write === undefined) chunks.push(chunk);
      else write(chunk);
    });
    document.on('end', () => resolve(Buffer.concat(chunks)));
    document.on('error', reject);
  });
}
