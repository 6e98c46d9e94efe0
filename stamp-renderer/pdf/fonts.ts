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

/** What pdfkit 0.20 keeps of an embedded font, as far as it is used here. */
interface ParsedFont {
  /** Glyphs by number, each with the characters for which it was first asked. */
  _glyphs: Record<string, unknown>;
}

const parsed = new Map<FontName, ParsedFont>();

/** Gives a new document its fonts, under the names of `FontName`. */
export function registerFonts(document: PDFKit.PDFDocument): void {
  for (const name of Object.keys(FILES)) {
    // Object.keys is typed with strings; these are exactly the keys of the table above.
    registerFont(document, name as FontName);
  }
}

function registerFont(document: PDFKit.PDFDocument, name: FontName): void {
  const known = parsed.get(name);
  if (known === undefined) {
    const file = path.join(packageRoot, 'stamp-renderer', 'fonts', FILES[name]);
    document.registerFont(name, readFileSync(file));
    document.font(name);
    // pdfkit's types do not show the parsed font of the current font; the version is pinned and a test holds this.
    const { _font } = document as unknown as { _font: { font: ParsedFont } };
    parsed.set(name, _font.font);
    return;
  }
  // A glyph remembers the first text that used it (two letters can share one). Forgetting them between documents
  // makes the bytes of a document independent of those drawn before it.
  known._glyphs = {};
  // pdfkit takes a parsed font wherever it takes a file, which its types do not say.
  document.registerFont(name, known as unknown as Buffer);
}
