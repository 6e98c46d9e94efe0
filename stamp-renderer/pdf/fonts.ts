/**
 * The fonts of all documents: Noto Serif for Latin, Noto Naskh Arabic for Urdu (fonts/OFL.txt). Parsing a font
 * costs more than drawing a page with it (docs: MEASURED in the architecture page), so each is parsed once and
 * handed to every later document.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../kernel/package-root.ts';

export type Weight = 'regular' | 'bold';

const FILES = {
  'latin-regular': 'NotoSerif-Regular.ttf',
  'latin-bold': 'NotoSerif-Bold.ttf',
  'naskh-regular': 'NotoNaskhArabic-Regular.ttf',
  'naskh-bold': 'NotoNaskhArabic-Bold.ttf',
} as const;

export type FontName = keyof typeof FILES;

/** What fontkit's `layout` gives and pdfkit 0.20 uses of it. */
interface LaidOutRun {
  readonly glyphs: readonly object[];
  readonly positions: readonly { readonly xAdvance: number }[];
  /** The sum of the advances, in the unit that the positions have now. */
  readonly advanceWidth: number;
}

/** A font as fontkit parses it, as far as it is used here. */
interface ParsedFont {
  /** Glyphs by number, each with the characters for which it was first asked. */
  _glyphs: Record<string, unknown>;
  layout(text: string): LaidOutRun;
}

/** Runs kept for each font: the fixed text of the documents, and names until they fall out. */
const RUNS_MAX = 1000;

const parsed = new Map<FontName, ParsedFont>();

/** Gives a new document its fonts, under the names of `FontName`. */
export function registerFonts(document: PDFKit.PDFDocument): void {
  for (const name of Object.keys(FILES)) {
    // Object.keys is typed with strings; these are exactly the keys of the table above.
    registerFont(document, name as FontName);
  }
}

function registerFont(document: PDFKit.PDFDocument, name: FontName): void {
  const known = parsed.get(name) ?? parse(document, name);
  parsed.set(name, known);
  // pdfkit takes a parsed font wherever it takes a file, which its types do not say.
  document.registerFont(name, known as unknown as Buffer);
}

function parse(document: PDFKit.PDFDocument, name: FontName): ParsedFont {
  const source = `${name}-source`;
  const file = path.join(packageRoot, 'stamp-renderer', 'fonts', FILES[name]);
  document.registerFont(source, readFileSync(file));
  document.font(source);
  // pdfkit's types do not show the parsed font of the current font; the version is pinned and a test holds this.
  const { _font } = document as unknown as { _font: { font: ParsedFont } };
  return withRunsKept(_font.font);
}

/** The font with a memory of the runs that it laid out. */
function withRunsKept(font: ParsedFont): ParsedFont {
  const runs = new Map<string, LaidOutRun>();
  // An object whose prototype is the font is that font with another `layout`.
  const keeping = Object.create(font) as ParsedFont;
  keeping.layout = (text) => {
    const known = runs.get(text);
    // A glyph remembers the first text that used it, though two letters can share one. Forgotten before each
    // run, it makes a document's bytes independent of what was drawn before.
    if (known === undefined) font._glyphs = {};
    const run = known ?? copyOf(font.layout(text));
    runs.delete(text);
    runs.set(text, run);
    const [oldest] = runs.keys();
    if (runs.size > RUNS_MAX && oldest !== undefined) runs.delete(oldest);
    // pdfkit scales the positions in place, so each caller gets his own.
    return copyOf(run);
  };
  return keeping;
}

function copyOf({ glyphs, positions }: LaidOutRun): LaidOutRun {
  const own = positions.map((position) => ({ ...position }));
  return {
    glyphs,
    positions: own,
    get advanceWidth() {
      return own.reduce((total, { xAdvance }) => total + xAdvance, 0);
    },
  };
}
