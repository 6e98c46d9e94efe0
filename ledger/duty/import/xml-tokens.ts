/**
 * XML as workbooks, KML and nothing else here use it, read as it comes: elements, attributes, text and CDATA. A
 * document type or an entity of its own is refused (no billion laughs, no outside files). Names lose their prefix.
 */
import { BrokenFile } from './csv-records.ts';

export type XmlToken =
  | {
      readonly kind: 'open';
      readonly name: string;
      readonly attributes: ReadonlyMap<string, string>;
    }
  | { readonly kind: 'close'; readonly name: string }
  | { readonly kind: 'text'; readonly text: string };

const TOKEN_MAX = 64 * 1024 * 1024;
const DEPTH_MAX = 100;
const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map();
const NAME = /^[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?$/;
const ATTRIBUTE = /\s+([A-Za-z_][\w.:-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y;

const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
};

function localName(name: string): string {
  const colon = name.indexOf(':');
  return colon === -1 ? name : name.slice(colon + 1);
}

/** Turns text into tokens piece by piece. Throws `BrokenFile` on anything that is not right. */
export class XmlReader {
  readonly #what: string;
  #rest = '';
  readonly #open: string[] = [];
  #seenRoot = false;

  constructor(what: string) {
    this.#what = what;
  }

  push(text: string): XmlToken[] {
    const whole = this.#rest + text;
    const tokens: XmlToken[] = [];
    let at = 0;
    for (;;) {
      const next = this.#next(whole, at, tokens);
      if (next === undefined) break;
      at = next;
    }
    this.#rest = whole.slice(at);
    if (this.#rest.length > TOKEN_MAX) throw this.#broken('a part of it is too long');
    return tokens;
  }

  /** Says that no more comes. */
  end(): void {
    if (this.#rest.trim() !== '' || this.#open.length > 0 || !this.#seenRoot) {
      throw this.#broken('it is cut off');
    }
  }

  #broken(reason: string): BrokenFile {
    return new BrokenFile(1, `${this.#what} is not right XML: ${reason}`);
  }

  /** Reads one token at a place; returns the place after it, or nothing when more text is needed. */
  #next(whole: string, at: number, tokens: XmlToken[]): number | undefined {
    if (whole[at] !== '<') {
      const end = whole.indexOf('<', at);
      if (end === -1) return undefined;
      this.#text(this.#unescape(whole.slice(at, end)), tokens);
      return end;
    }
    // The longest opening that must be told apart is <![CDATA[.
    if (whole.length - at < 9 && !whole.includes('>', at)) return undefined;
    if (whole.startsWith('<!--', at)) return after(whole, '-->', at + 4);
    if (whole.startsWith('<?', at)) return after(whole, '?>', at + 2);
    if (whole.startsWith('<![CDATA[', at)) {
      const end = whole.indexOf(']]>', at + 9);
      if (end === -1) return undefined;
      this.#text(whole.slice(at + 9, end), tokens);
      return end + 3;
    }
    if (whole.startsWith('<!', at)) throw this.#broken('it has a document type');
    const end = tagEnd(whole, at);
    if (end === undefined) return undefined;
    this.#tag(whole.slice(at + 1, end), tokens);
    return end + 1;
  }

  #text(text: string, tokens: XmlToken[]): void {
    if (this.#open.length > 0) tokens.push({ kind: 'text', text });
    else if (text.replace(/^\ufeff/, '').trim() !== '') {
      throw this.#broken('there is text outside of the document');
    }
  }

  #tag(inside: string, tokens: XmlToken[]): void {
    if (inside.startsWith('/')) {
      const name = inside.slice(1).trimEnd();
      if (this.#open.pop() !== name) throw this.#broken(`</${name.slice(0, 40)}> closes nothing`);
      tokens.push({ kind: 'close', name: localName(name) });
      return;
    }
    const closed = inside.endsWith('/');
    const body = closed ? inside.slice(0, -1) : inside;
    const space = body.search(/\s/);
    const name = space === -1 ? body : body.slice(0, space);
    if (!NAME.test(name)) throw this.#broken('an element has no right name');
    if (this.#open.length === 0 && this.#seenRoot) throw this.#broken('it has two roots');
    this.#seenRoot = true;
    tokens.push({
      kind: 'open',
      name: localName(name),
      attributes: space === -1 ? NO_ATTRIBUTES : this.#attributes(body.slice(space)),
    });
    if (closed) tokens.push({ kind: 'close', name: localName(name) });
    else if (this.#open.push(name) > DEPTH_MAX) throw this.#broken('it is nested too deep');
  }

  #attributes(text: string): ReadonlyMap<string, string> {
    const attributes = new Map<string, string>();
    ATTRIBUTE.lastIndex = 0;
    let end = 0;
    for (let match = ATTRIBUTE.exec(text); match !== null; match = ATTRIBUTE.exec(text)) {
      const name = match[1] ?? '';
      if (attributes.has(name)) throw this.#broken(`an attribute ${name} comes twice`);
      attributes.set(name, this.#unescape(match[2] ?? match[3] ?? ''));
      end = ATTRIBUTE.lastIndex;
    }
    if (text.slice(end).trim() !== '') throw this.#broken('an attribute is not right');
    return attributes;
  }

  #unescape(text: string): string {
    if (!text.includes('&')) return text;
    return text.replace(/&([^;&]{0,12});?/g, (whole, entity: string) => {
      const known = Object.hasOwn(ENTITIES, entity) ? ENTITIES[entity] : undefined;
      const numeric = /^#(?:x([0-9A-Fa-f]{1,6})|(\d{1,7}))$/.exec(entity);
      if (!whole.endsWith(';') || (known === undefined && numeric === null)) {
        throw this.#broken('it has an entity that is not known');
      }
      if (known !== undefined) return known;
      const point = parseInt(
        numeric?.[1] ?? numeric?.[2] ?? '',
        numeric?.[1] === undefined ? 10 : 16,
      );
      if (point === 0 || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
        throw this.#broken('it has a character that is none');
      }
      return String.fromCodePoint(point);
    });
  }
}

function after(whole: string, mark: string, from: number): number | undefined {
  const end = whole.indexOf(mark, from);
  return end === -1 ? undefined : end + mark.length;
}

/** Place of the `>` that ends a tag, past any in quotes. */
function tagEnd(whole: string, at: number): number | undefined {
  const simple = whole.indexOf('>', at);
  if (simple === -1) return undefined;
  const quote = whole.slice(at, simple).search(/["']/);
  if (quote === -1) return simple;
  let inside = '';
  for (let index = at; index < whole.length; index += 1) {
    const letter = whole[index] ?? '';
    if (inside !== '') {
      if (letter === inside) inside = '';
    } else if (letter === '"' || letter === "'") inside = letter;
    else if (letter === '>') return index;
  }
  return undefined;
}

/** The tokens of bytes that come piece by piece; must be UTF-8. */
export async function* xmlTokens(
  chunks: AsyncIterable<Uint8Array>,
  what: string,
): AsyncGenerator<readonly XmlToken[]> {
  const reader = new XmlReader(what);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (chunk?: Uint8Array): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch (cause) {
      throw new BrokenFile(1, `${what} is not UTF-8 text`, { cause });
    }
  };
  for await (const chunk of chunks) yield reader.push(decode(chunk));
  yield reader.push(decode());
  reader.end();
}
