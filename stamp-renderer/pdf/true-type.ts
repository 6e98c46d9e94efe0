/**
 * A TrueType font as far as a PDF needs it (ISO/IEC 14496-22): metrics, outlines, and a font that has only the glyphs
 * of one document. Instructions for screens are left out: they are half of such a font's bytes and say nothing on paper.
 * Only for the font files of this repository: a malformed one is a programmer's error and throws RangeError.
 */

interface Table {
  readonly offset: number;
  readonly length: number;
}

/** Bits of a composite glyph's flags. */
const ARGUMENTS_ARE_WORDS = 0x0001;
const HAS_SCALE = 0x0008;
const MORE_COMPONENTS = 0x0020;
const HAS_TWO_SCALES = 0x0040;
const HAS_MATRIX = 0x0080;
const HAS_INSTRUCTIONS = 0x0100;

export class TrueTypeFont {
  readonly bytes: Buffer;
  readonly unitsPerEm: number;
  readonly boundingBox: readonly [number, number, number, number];
  readonly ascent: number;
  readonly descent: number;
  readonly #tables = new Map<string, Table>();
  readonly #glyphs = new Map<number, Buffer>();
  readonly #longOffsets: boolean;
  readonly #metricCount: number;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    for (let index = 0; index < bytes.readUInt16BE(4); index += 1) {
      const at = 12 + index * 16;
      this.#tables.set(bytes.toString('latin1', at, at + 4), {
        offset: bytes.readUInt32BE(at + 8),
        length: bytes.readUInt32BE(at + 12),
      });
    }
    const head = this.#table('head').offset;
    const hhea = this.#table('hhea').offset;
    this.unitsPerEm = bytes.readUInt16BE(head + 18);
    this.boundingBox = [
      bytes.readInt16BE(head + 36),
      bytes.readInt16BE(head + 38),
      bytes.readInt16BE(head + 40),
      bytes.readInt16BE(head + 42),
    ];
    this.#longOffsets = bytes.readInt16BE(head + 50) === 1;
    this.ascent = bytes.readInt16BE(hhea + 4);
    this.descent = bytes.readInt16BE(hhea + 6);
    this.#metricCount = bytes.readUInt16BE(hhea + 34);
  }

  #table(tag: string): Table {
    const table = this.#tables.get(tag);
    if (table === undefined) throw new RangeError(`The font has no table ${tag}.`);
    return table;
  }

  /** Advance width of a glyph, in font units. */
  advanceOf(glyph: number): number {
    const at = Math.min(glyph, this.#metricCount - 1) * 4;
    return this.bytes.readUInt16BE(this.#table('hmtx').offset + at);
  }

  #bearingOf(glyph: number): number {
    const { offset } = this.#table('hmtx');
    const count = this.#metricCount;
    return glyph < count
      ? this.bytes.readInt16BE(offset + glyph * 4 + 2)
      : this.bytes.readInt16BE(offset + count * 4 + (glyph - count) * 2);
  }

  /** The outline of a glyph without instructions, padded to four bytes; empty for a blank. */
  #outlineOf(glyph: number): Buffer {
    const known = this.#glyphs.get(glyph);
    if (known !== undefined) return known;
    const loca = this.#table('loca').offset;
    const glyf = this.#table('glyf').offset;
    const place = (index: number): number =>
      this.#longOffsets
        ? this.bytes.readUInt32BE(loca + index * 4)
        : this.bytes.readUInt16BE(loca + index * 2) * 2;
    const whole = this.bytes.subarray(glyf + place(glyph), glyf + place(glyph + 1));
    const bare = whole.length === 0 ? whole : withoutInstructions(whole);
    const padded = Buffer.concat([bare, Buffer.alloc((4 - (bare.length % 4)) % 4)]);
    this.#glyphs.set(glyph, padded);
    return padded;
  }

  /** The glyphs that a glyph is put together from. */
  componentsOf(glyph: number): number[] {
    return componentPlaces(this.#outlineOf(glyph)).map((at) =>
      this.#outlineOf(glyph).readUInt16BE(at),
    );
  }

  /** A font of these glyphs, in their order: the first must be 0, and every component must be among them. */
  subset(glyphs: readonly number[]): Buffer {
    const numbers = new Map(glyphs.map((glyph, index) => [glyph, index]));
    const outlines = glyphs.map((glyph) => this.#renumbered(glyph, numbers));
    const loca = Buffer.alloc((glyphs.length + 1) * 4);
    const hmtx = Buffer.alloc(glyphs.length * 4);
    let offset = 0;
    outlines.forEach((outline, index) => {
      const glyph = glyphs[index] ?? 0;
      loca.writeUInt32BE(offset, index * 4);
      offset += outline.length;
      hmtx.writeUInt16BE(this.advanceOf(glyph), index * 4);
      hmtx.writeInt16BE(this.#bearingOf(glyph), index * 4 + 2);
    });
    loca.writeUInt32BE(offset, glyphs.length * 4);
    const head = this.#copy('head');
    head.writeUInt32BE(0, 8);
    head.writeInt16BE(1, 50);
    const hhea = this.#copy('hhea');
    hhea.writeUInt16BE(glyphs.length, 34);
    const maxp = this.#copy('maxp');
    maxp.writeUInt16BE(glyphs.length, 4);
    // No instructions, so nothing that they need.
    maxp.fill(0, 14, 28);
    maxp.writeUInt16BE(1, 14);
    const tables = { glyf: Buffer.concat(outlines), head, hhea, hmtx, loca, maxp };
    return fontFile(tables);
  }

  #copy(tag: string): Buffer {
    const { offset, length } = this.#table(tag);
    return Buffer.from(this.bytes.subarray(offset, offset + length));
  }

  #renumbered(glyph: number, numbers: ReadonlyMap<number, number>): Buffer {
    const outline = this.#outlineOf(glyph);
    const places = componentPlaces(outline);
    if (places.length === 0) return outline;
    const copy = Buffer.from(outline);
    for (const at of places) {
      const number = numbers.get(outline.readUInt16BE(at));
      if (number === undefined) throw new RangeError('A component is not in the subset.');
      copy.writeUInt16BE(number, at);
    }
    return copy;
  }
}

/** Where the numbers of a composite glyph's components stand; none for a simple one. */
function componentPlaces(outline: Buffer): number[] {
  if (outline.length < 10 || outline.readInt16BE(0) >= 0) return [];
  const places: number[] = [];
  for (let at = 10; ;) {
    const flags = outline.readUInt16BE(at);
    places.push(at + 2);
    at = afterComponent(at, flags);
    if ((flags & MORE_COMPONENTS) === 0) return places;
  }
}

function afterComponent(at: number, flags: number): number {
  let next = at + ((flags & ARGUMENTS_ARE_WORDS) === 0 ? 6 : 8);
  if ((flags & HAS_SCALE) !== 0) next += 2;
  else if ((flags & HAS_TWO_SCALES) !== 0) next += 4;
  else if ((flags & HAS_MATRIX) !== 0) next += 8;
  return next;
}

function withoutInstructions(outline: Buffer): Buffer {
  const contours = outline.readInt16BE(0);
  if (contours >= 0) {
    const lengthAt = 10 + contours * 2;
    const instructions = outline.readUInt16BE(lengthAt);
    return Buffer.concat([
      outline.subarray(0, lengthAt),
      Buffer.from([0, 0]),
      outline.subarray(lengthAt + 2 + instructions),
    ]);
  }
  const copy = Buffer.from(outline);
  for (let at = 10; ;) {
    const flags = copy.readUInt16BE(at);
    copy.writeUInt16BE(flags & ~HAS_INSTRUCTIONS, at);
    at = afterComponent(at, flags);
    if ((flags & MORE_COMPONENTS) === 0) return copy.subarray(0, at);
  }
}

/** Puts tables into a font file, in order of their tags. */
function fontFile(tables: Readonly<Record<string, Buffer>>): Buffer {
  const names = Object.keys(tables).sort();
  const power = Math.floor(Math.log2(names.length));
  const head = Buffer.alloc(12 + names.length * 16);
  head.writeUInt32BE(0x00010000, 0);
  head.writeUInt16BE(names.length, 4);
  head.writeUInt16BE(2 ** power * 16, 6);
  head.writeUInt16BE(power, 8);
  head.writeUInt16BE((names.length - 2 ** power) * 16, 10);
  const parts = [head];
  let offset = head.length;
  names.forEach((name, index) => {
    const content = tables[name] ?? Buffer.alloc(0);
    const padded = Buffer.concat([content, Buffer.alloc((4 - (content.length % 4)) % 4)]);
    const at = 12 + index * 16;
    head.write(name, at, 'latin1');
    head.writeUInt32BE(checksum(padded), at + 4);
    head.writeUInt32BE(offset, at + 8);
    head.writeUInt32BE(content.length, at + 12);
    parts.push(padded);
    offset += padded.length;
  });
  const file = Buffer.concat(parts);
  const headAt = file.readUInt32BE(12 + names.indexOf('head') * 16 + 8);
  file.writeUInt32BE((0xb1b0afba - checksum(file)) >>> 0, headAt + 8);
  return file;
}

function checksum(content: Buffer): number {
  let sum = 0;
  for (let at = 0; at < content.length; at += 4) sum = (sum + content.readUInt32BE(at)) >>> 0;
  return sum;
}
