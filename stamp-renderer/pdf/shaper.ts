/**
 * Shaping: from a run of text in one script to glyphs with their places, by HarfBuzz. Nastaliq needs it: its words climb
 * from the line, so every glyph has a place of its own in both directions. Fonts are parsed once, and runs are kept: the
 * fixed text of the documents, and names for a while.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type * as HarfBuzz from 'harfbuzzjs';
import { Fault } from '../../kernel/fault.ts';
import { packageRoot } from '../../kernel/package-root.ts';
import { TrueTypeFont } from './true-type.ts';

const FONT_FILES = {
  'latin-regular': 'NotoSerif-Regular.ttf',
  'latin-bold': 'NotoSerif-Bold.ttf',
  nastaliq: 'NotoNastaliqUrdu-Regular.ttf',
} as const;

export type FontName = keyof typeof FONT_FILES;

export interface ShapedGlyph {
  readonly glyph: number;
  /** The characters that this glyph stands for; empty where an earlier one stands for them. */
  readonly text: string;
  /** From the origin of the run, in thousandths of the font size; y upwards. */
  readonly x: number;
  readonly y: number;
  readonly advance: number;
}

export interface ShapedRun {
  /** As it was given, in reading order. */
  readonly text: string;
  readonly glyphs: readonly ShapedGlyph[];
  /** In thousandths of the font size. */
  readonly width: number;
}

export interface LoadedFont {
  readonly name: FontName;
  readonly outlines: TrueTypeFont;
  shape(text: string): ShapedRun;
}

const RUNS_MAX = 4_000;

/** HarfBuzz, and one buffer for all runs: its memory is its own, and what the garbage collector gives back it gives back
 * only between turns of the event loop, too late for a batch. */
interface Engine {
  readonly harfBuzz: typeof HarfBuzz;
  readonly buffer: HarfBuzz.Buffer;
  /** One glyph a letter in Latin text, so that it can be searched and copied as it was written. */
  readonly latinFeatures: HarfBuzz.Feature[];
}

let engine: Engine | undefined;

/** Loads HarfBuzz, half a megabyte of WebAssembly, before the first document is drawn; later calls do nothing. */
export async function prepareShaping(): Promise<void> {
  if (engine !== undefined) return;
  const harfBuzz = await import('harfbuzzjs');
  const latinFeatures = ['liga', 'clig', 'dlig'].map((tag) => new harfBuzz.Feature(tag, 0));
  engine ??= { harfBuzz, buffer: new harfBuzz.Buffer(), latinFeatures };
}

function shapingEngine(): Engine {
  if (engine === undefined) throw new Fault('internal', 'Text was drawn before shaping was ready.');
  return engine;
}

const fonts = new Map<FontName, LoadedFont>();

/** The font with this name, parsed at its first use. */
export function loadFont(name: FontName): LoadedFont {
  const known = fonts.get(name);
  if (known !== undefined) return known;
  const bytes = readFileSync(path.join(packageRoot, 'stamp-renderer', 'fonts', FONT_FILES[name]));
  const outlines = new TrueTypeFont(bytes);
  const copy = Uint8Array.from(bytes);
  const { Blob, Face, Font } = shapingEngine().harfBuzz;
  const font = new Font(new Face(new Blob(copy.buffer)));
  const scale = 1000 / outlines.unitsPerEm;
  const runs = new Map<string, ShapedRun>();
  const loaded: LoadedFont = {
    name,
    outlines,
    shape(text) {
      const known = runs.get(text);
      if (known !== undefined) return known;
      const shaped = shapeRun(font, text, { isUrdu: name === 'nastaliq', scale });
      // All at once: the fixed text is soon back, and noting who came last would cost more than that.
      if (runs.size >= RUNS_MAX) runs.clear();
      runs.set(text, shaped);
      return shaped;
    },
  };
  fonts.set(name, loaded);
  return loaded;
}

function shapeRun(
  font: HarfBuzz.Font,
  text: string,
  { isUrdu, scale }: { readonly isUrdu: boolean; readonly scale: number },
): ShapedRun {
  const { harfBuzz, buffer, latinFeatures } = shapingEngine();
  const { Direction, shape } = harfBuzz;
  buffer.reset();
  buffer.addText(text);
  buffer.setDirection(isUrdu ? Direction.RTL : Direction.LTR);
  buffer.setScript(isUrdu ? 'Arab' : 'Latn');
  buffer.setLanguage(isUrdu ? 'ur' : 'en');
  shape(font, buffer, isUrdu ? [] : latinFeatures);
  const infos = buffer.getGlyphInfos();
  if (infos.length === 0 && text !== '')
    throw new Fault('internal', 'A text came back from shaping without glyphs.');
  const positions = buffer.getGlyphPositions();
  const texts = clusterTexts(
    text,
    infos.map(({ cluster }) => cluster),
  );
  let pen = 0;
  const glyphs = infos.map(({ codepoint, cluster }, index): ShapedGlyph => {
    const { xAdvance = 0, xOffset = 0, yOffset = 0 } = positions[index] ?? {};
    const placed = {
      glyph: codepoint,
      text: texts.take(cluster),
      x: (pen + xOffset) * scale,
      y: yOffset * scale,
      advance: xAdvance * scale,
    };
    pen += xAdvance;
    return placed;
  });
  return { text, glyphs, width: pen * scale };
}

/** Which characters each cluster stands for; told to its first glyph only. */
function clusterTexts(
  text: string,
  clusters: readonly number[],
): { take(cluster: number): string } {
  const starts = [...new Set(clusters)].sort((left, right) => left - right);
  const texts = new Map(
    starts.map((start, index) => [start, text.slice(start, starts[index + 1] ?? text.length)]),
  );
  return {
    take(cluster) {
      const taken = texts.get(cluster) ?? '';
      texts.delete(cluster);
      return taken;
    },
  };
}
