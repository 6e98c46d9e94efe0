/**
 * The fonts of one document: glyphs get numbers as they are used, and at the end each font is embedded with those glyphs
 * alone. Written by us and not by pdfkit, which parses and lays out a font anew for every document.
 */
import type { Buffer as NodeBuffer } from 'node:buffer';
import { deflateSync } from 'node:zlib';
import { loadFont, type FontName, type LoadedFont, type ShapedRun } from './shaper.ts';

/** Flags of a font descriptor (ISO 32000-1, 9.8.2): symbolic, since glyphs are named by number. */
const SYMBOLIC = 4;

class UsedFont {
  readonly font: LoadedFont;
  readonly reference: PDFKit.PDFKitReference;
  readonly resource: string;
  /** Glyphs of the font by their number here. */
  readonly glyphs: number[] = [];
  readonly #numbers = new Map<number, number>();
  readonly #texts = new Map<number, string>();

  constructor(document: PDFKit.PDFDocument, font: LoadedFont, resource: string) {
    this.font = font;
    this.resource = resource;
    this.reference = document.ref({});
    this.numberOf(0, '');
  }

  /** The number of a glyph in this document's font; its components come along. */
  numberOf(glyph: number, text: string): number {
    const known = this.#numbers.get(glyph);
    if (known !== undefined) return known;
    const number = this.glyphs.length;
    this.#numbers.set(glyph, number);
    this.glyphs.push(glyph);
    if (text !== '') this.#texts.set(number, text);
    for (const component of this.font.outlines.componentsOf(glyph)) this.numberOf(component, '');
    return number;
  }

  embed(document: PDFKit.PDFDocument): void {
    const { outlines, name } = this.font;
    const scale = 1000 / outlines.unitsPerEm;
    const fontName = `${subsetTag(this.glyphs)}+${name}`;
    const subset = outlines.subset(this.glyphs);
    // Packed here and not by pdfkit, whose level takes nearly twice the time to spare a hundredth of the file.
    const file = document.ref({ Filter: 'FlateDecode', Length1: subset.length });
    file.end(deflateSync(subset, { level: 3 }));
    const descriptor = document.ref({
      Type: 'FontDescriptor',
      FontName: fontName,
      Flags: SYMBOLIC,
      FontBBox: outlines.boundingBox.map((value) => value * scale),
      ItalicAngle: 0,
      Ascent: outlines.ascent * scale,
      Descent: outlines.descent * scale,
      CapHeight: outlines.ascent * scale,
      StemV: 0,
      FontFile2: file,
    });
    descriptor.finalize();
    const descendant = document.ref({
      Type: 'Font',
      Subtype: 'CIDFontType2',
      BaseFont: fontName,
      CIDSystemInfo: {
        Registry: new String('Adobe'),
        Ordering: new String('Identity'),
        Supplement: 0,
      },
      FontDescriptor: descriptor,
      W: [0, this.glyphs.map((glyph) => outlines.advanceOf(glyph) * scale)],
      CIDToGIDMap: 'Identity',
    });
    descendant.finalize();
    const toUnicode = document.ref({});
    toUnicode.end(this.#toUnicode());
    Object.assign(this.reference.data, {
      Type: 'Font',
      Subtype: 'Type0',
      BaseFont: fontName,
      Encoding: 'Identity-H',
      DescendantFonts: [descendant],
      ToUnicode: toUnicode,
    });
    this.reference.finalize();
  }

  /** A CMap from the glyphs' numbers to the text they stand for (ISO 32000-1, 9.10.3). */
  #toUnicode(): NodeBuffer {
    const entries = [...this.#texts].map(([number, text]) => {
      const units = Buffer.from(text, 'utf16le').swap16().toString('hex');
      return `<${hex(number)}> <${units}>`;
    });
    const blocks: string[] = [];
    // A block has at most a hundred entries.
    for (let at = 0; at < entries.length; at += 100) {
      const block = entries.slice(at, at + 100);
      blocks.push(`${String(block.length)} beginbfchar\n${block.join('\n')}\nendbfchar`);
    }
    return Buffer.from(
      `/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <ffff>
endcodespacerange
${blocks.join('\n')}
endcmap
CMapName currentdict /CMap defineresource pop
end
end`,
      'latin1',
    );
  }
}

/** Six capitals that name a subset, from the glyphs that are in it. */
function subsetTag(glyphs: readonly number[]): string {
  let hash = 2166136261;
  for (const glyph of glyphs) hash = Math.imul(hash ^ glyph, 16777619) >>> 0;
  return Array.from({ length: 6 }, () => {
    const letter = String.fromCharCode(65 + (hash % 26));
    hash = Math.floor(hash / 26);
    return letter;
  }).join('');
}

function hex(number: number): string {
  return number.toString(16).padStart(4, '0');
}

function places(value: number): string {
  return String(Math.round(value * 100) / 100);
}

export interface PlacedRun {
  readonly run: ShapedRun;
  readonly font: FontName;
  readonly size: number;
  /** Left end of the base line, in points from the top left corner. */
  readonly x: number;
  readonly y: number;
  /** Extra points after each glyph. */
  readonly spacing: number;
}

export class DocumentFonts {
  readonly #document: PDFKit.PDFDocument;
  readonly #used = new Map<FontName, UsedFont>();

  constructor(document: PDFKit.PDFDocument) {
    this.#document = document;
  }

  #use(name: FontName): UsedFont {
    let used = this.#used.get(name);
    if (used === undefined) {
      used = new UsedFont(this.#document, loadFont(name), `T${String(this.#used.size + 1)}`);
      this.#used.set(name, used);
    }
    // The page's table of fonts, which pdfkit fills by its own `font()` and its types do not show.
    const page = this.#document.page as unknown as { fonts: Record<string, unknown> };
    page.fonts[used.resource] = used.reference;
    return used;
  }

  /** Operators that draw a run in the coordinates of a pdfkit page, whose y grows downwards. */
  operators({ run, font, size, x, y, spacing }: PlacedRun): string {
    const used = this.#use(font);
    const begin = `BT /${used.resource} ${places(size)} Tf 1 0 0 -1 ${places(x)} ${places(y)} Tm`;
    return font === 'nastaliq'
      ? `/Span <</ActualText <${actualText(run)}>>> BDC ${begin} ${climbing(run, used, size)} ET EMC`
      : `${begin} ${level(run, used, spacing)} ET`;
  }

  /** Embeds what was used; nothing can be drawn after it. */
  embed(): void {
    for (const used of this.#used.values()) used.embed(this.#document);
  }
}

/** The text of a run in its reading order, for whoever searches, copies or hears it: UTF-16 with its mark. */
function actualText({ text }: ShapedRun): string {
  return `feff${Buffer.from(text, 'utf16le').swap16().toString('hex')}`;
}

/** Latin text: one string with the kerning in it. */
function level(run: ShapedRun, used: UsedFont, spacing: number): string {
  const parts: string[] = [];
  let codes = '';
  for (const { glyph, text, advance } of run.glyphs) {
    codes += hex(used.numberOf(glyph, text));
    const kerning = Math.round(natural(used, glyph) - advance);
    if (kerning === 0) continue;
    parts.push(`<${codes}> ${String(kerning)}`);
    codes = '';
  }
  if (codes !== '') parts.push(`<${codes}>`);
  const drawn = `[${parts.join(' ')}] TJ`;
  return spacing === 0 ? drawn : `${places(spacing)} Tc ${drawn} 0 Tc`;
}

function natural({ font }: UsedFont, glyph: number): number {
  return (font.outlines.advanceOf(glyph) * 1000) / font.outlines.unitsPerEm;
}

/** Nastaliq: every glyph at its own place, moved to from the one before. */
function climbing(run: ShapedRun, used: UsedFont, size: number): string {
  let [lastX, lastY] = [0, 0];
  return run.glyphs
    .map(({ glyph, text, x, y }) => {
      const [toX, toY] = [(x * size) / 1000, (y * size) / 1000].map(
        (value) => Math.round(value * 100) / 100,
      ) as [number, number];
      const [moveX, moveY] = [toX - lastX, toY - lastY];
      [lastX, lastY] = [toX, toY];
      const show = `<${hex(used.numberOf(glyph, text))}> Tj`;
      return moveX === 0 && moveY === 0 ? show : `${places(moveX)} ${places(moveY)} Td ${show}`;
    })
    .join(' ');
}
