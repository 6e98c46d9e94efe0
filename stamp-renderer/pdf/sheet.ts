/**
 * A document under way: pages, wrapped text in two scripts, and the record of where each field was printed,
 * which the verifier uses to name what was changed. Lengths are PDF points from the top left corner.
 */
import PDFDocument from 'pdfkit';
import { registerFonts, type Weight } from './fonts.ts';
import { isRightToLeft, printable, visualRuns } from './text-runs.ts';

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
/** Naskh letters are drawn larger, to look as large as the Latin beside them. */
const NASKH_SCALE = 1.16;

export interface SheetOptions {
  readonly title: string;
  readonly size: 'A4';
  readonly layout: 'portrait' | 'landscape';
  readonly createdAt: Date;
  /** Drawn first on every page. */
  readonly background: (document: PDFKit.PDFDocument) => void;
}

export class Sheet {
  readonly document: PDFKit.PDFDocument;
  readonly boxes: FieldBox[] = [];
  readonly #options: SheetOptions;
  readonly #finished: Promise<Buffer>;
  #page = -1;

  constructor(options: SheetOptions) {
    this.#options = options;
    const { createdAt, title } = options;
    this.document = new PDFDocument({
      autoFirstPage: false,
      margin: 0,
      size: options.size,
      layout: options.layout,
      font: '',
      lang: 'en-PK',
      displayTitle: true,
      info: { Title: title, Producer: 'Sanad', Creator: 'Sanad', CreationDate: createdAt },
    });
    this.#finished = collect(this.document);
    registerFonts(this.document);
    this.addPage();
  }

  /** Begins a page with its background. */
  addPage(): void {
    this.document.addPage();
    this.#page += 1;
    this.document.save();
    this.#options.background(this.document);
    this.document.restore();
  }

  /** Notes that a field was drawn here. */
  mark(box: Omit<FieldBox, 'page'>): void {
    this.boxes.push({ ...box, page: this.#page });
  }

  /** Prints text, wrapped at blanks, and returns its height. */
  text(text: string, style: TextStyle): number {
    const step = style.size * LINE_HEIGHT;
    const lines = this.#wrap(printable(text), style);
    lines.forEach((line, index) => this.#line(line, style, style.y + index * step));
    const height = Math.max(lines.length, 1) * step;
    if (style.field !== undefined) {
      const { x, y, width, field } = style;
      this.mark({ field, x, y, width, height });
    }
    return height;
  }

  /** The height that `text` would take. */
  heightOf(text: string, style: TextStyle): number {
    return Math.max(this.#wrap(printable(text), style).length, 1) * style.size * LINE_HEIGHT;
  }

  /** The width of one line of text. */
  widthOf(text: string, style: Pick<TextStyle, 'size' | 'weight' | 'spacing'>): number {
    return visualRuns(text).reduce((total, run) => total + this.#measure(run, style), 0);
  }

  /** Ends the document and returns its bytes. */
  async finish(): Promise<Buffer> {
    this.document.end();
    return this.#finished;
  }

  #select(script: 'latin' | 'naskh', style: Pick<TextStyle, 'size' | 'weight'>): void {
    this.document
      .font(`${script}-${style.weight ?? 'regular'}`)
      .fontSize(script === 'naskh' ? style.size * NASKH_SCALE : style.size);
  }

  #measure(
    run: { readonly text: string; readonly script: 'latin' | 'naskh' },
    style: Pick<TextStyle, 'size' | 'weight' | 'spacing'>,
  ): number {
    this.#select(run.script, style);
    // A list of features, though empty, keeps pdfkit from shaping word by word, which would turn Urdu words round.
    return this.document.widthOfString(run.text, {
      features: [],
      characterSpacing: run.script === 'latin' ? (style.spacing ?? 0) : 0,
    });
  }

  #wrap(text: string, style: TextStyle): string[] {
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
    const runs = visualRuns(line);
    const widths = runs.map((run) => this.#measure(run, style));
    const width = widths.reduce((total, each) => total + each, 0);
    let x = style.x + (style.width - width) * share(line, style.align ?? 'start');
    const baseline = y + style.size * 1.05;
    runs.forEach((run, index) => {
      this.#select(run.script, style);
      this.document.fillColor(style.color ?? INK).text(run.text, x, baseline, {
        lineBreak: false,
        baseline: 'alphabetic',
        features: [],
        characterSpacing: run.script === 'latin' ? (style.spacing ?? 0) : 0,
      });
      x += widths[index] ?? 0;
    });
  }
}

/** The share of the free width that stands to the left of a line. */
function share(line: string, align: 'start' | 'centre' | 'end'): number {
  if (align === 'centre') return 0.5;
  return (align === 'end') === isRightToLeft(line) ? 0 : 1;
}

function collect(document: PDFKit.PDFDocument): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    document.on('data', (chunk: Buffer) => chunks.push(chunk));
    document.on('end', () => resolve(Buffer.concat(chunks)));
    document.on('error', reject);
  });
}
