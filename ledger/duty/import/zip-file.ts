/**
 * Zip archives (PKWARE APPNOTE 6.3), as far as workbooks and KMZ files use them: stored and deflated entries, no
 * encryption, no zip64. Every size is checked before it is believed, and every entry against its CRC-32.
 */
import { crc32, createDeflateRaw, createInflateRaw } from 'node:zlib';
import { BrokenFile } from './csv-records.ts';

const END_SIZE = 22;
const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const COMMENT_MAX = 65_535;
const ENTRIES_MAX = 10_000;
/** More than this is no table and no map, but an attack. */
const ENTRY_BYTES_MAX = 1024 * 1024 * 1024;
const STORED = 0;
const DEFLATED = 8;

interface Entry {
  readonly method: number;
  readonly crc: number;
  readonly compressed: number;
  readonly size: number;
  readonly offset: number;
}

function broken(reason: string, cause?: unknown): BrokenFile {
  return new BrokenFile(1, `the zip archive is damaged: ${reason}`, { cause });
}

/** An archive that is in memory. */
export class ZipFile {
  readonly #bytes: Buffer;
  readonly #entries: ReadonlyMap<string, Entry>;

  /** Reads the directory. Throws `BrokenFile`. */
  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#entries = this.#directory();
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** The bytes of an entry, piece by piece. Throws `BrokenFile` when it is absent, too large or damaged. */
  async *read(name: string): AsyncGenerator<Uint8Array> {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw broken(`it has no entry ${name}`);
    const packed = this.#packed(entry);
    let crc = 0;
    let size = 0;
    for await (const chunk of entry.method === STORED ? [packed] : inflate(packed)) {
      size += chunk.length;
      if (size > entry.size) throw broken(`${name} is larger than it says`);
      crc = crc32(chunk, crc);
      yield chunk;
    }
    if (size !== entry.size || crc !== entry.crc) throw broken(`${name} fails its check sum`);
  }

  /** An entry that is named otherwise in its own place than in the directory is damage, or a trick. */
  #checkLocal(entry: Entry, name: string): void {
    const bytes = this.#bytes;
    const { offset } = entry;
    if (offset + 30 > bytes.length) throw broken('an entry lies outside');
    if (bytes.readUInt32LE(offset) !== LOCAL_SIGNATURE) throw broken('an entry is not there');
    const nameEnd = offset + 30 + bytes.readUInt16LE(offset + 26);
    if (bytes.toString('utf8', offset + 30, nameEnd) !== name) {
      throw broken('an entry has two names');
    }
  }

  #packed(entry: Entry): Buffer {
    const bytes = this.#bytes;
    const names = bytes.readUInt16LE(entry.offset + 26) + bytes.readUInt16LE(entry.offset + 28);
    const start = entry.offset + 30 + names;
    if (start + entry.compressed > bytes.length) throw broken('an entry lies outside');
    return bytes.subarray(start, start + entry.compressed);
  }

  #end(): number {
    const bytes = this.#bytes;
    const first = Math.max(0, bytes.length - END_SIZE - COMMENT_MAX);
    for (let at = bytes.length - END_SIZE; at >= first; at -= 1) {
      if (bytes.readUInt32LE(at) === END_SIGNATURE) return at;
    }
    throw broken('it has no directory');
  }

  #directory(): Map<string, Entry> {
    const bytes = this.#bytes;
    const end = this.#end();
    const count = bytes.readUInt16LE(end + 10);
    let at = bytes.readUInt32LE(end + 16);
    if (count > ENTRIES_MAX || at === 0xffffffff) throw broken('it is larger than we read');
    const entries = new Map<string, Entry>();
    for (let index = 0; index < count; index += 1) {
      if (at + 46 > end || bytes.readUInt32LE(at) !== ENTRY_SIGNATURE) {
        throw broken('its directory is cut off');
      }
      const nameEnd = at + 46 + bytes.readUInt16LE(at + 28);
      const name = bytes.toString('utf8', at + 46, nameEnd);
      const entry = this.#entry(at, name);
      this.#checkLocal(entry, name);
      entries.set(name, entry);
      at = nameEnd + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
    }
    if (at !== end) throw broken('its directory is longer than it says');
    return entries;
  }

  #entry(at: number, name: string): Entry {
    const bytes = this.#bytes;
    const entry = {
      method: bytes.readUInt16LE(at + 10),
      crc: bytes.readUInt32LE(at + 16),
      compressed: bytes.readUInt32LE(at + 20),
      size: bytes.readUInt32LE(at + 24),
      offset: bytes.readUInt32LE(at + 42),
    };
    const encrypted = (bytes.readUInt16LE(at + 8) & 1) === 1;
    if (encrypted) throw broken(`${name} is encrypted`);
    if (entry.method !== STORED && entry.method !== DEFLATED) {
      throw broken(`${name} is packed in a way that we do not read`);
    }
    if (entry.size > ENTRY_BYTES_MAX) throw broken(`${name} is larger than 1 GiB`);
    return entry;
  }
}

async function* inflate(packed: Buffer): AsyncGenerator<Uint8Array> {
  const stream = createInflateRaw();
  stream.end(packed);
  try {
    // A zlib stream yields buffers; its type says only `any`.
    for await (const chunk of stream as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    throw broken('an entry cannot be unpacked', error);
  }
}

/** 1 January 1980, the first day that a zip can name: an archive of the same content is the same bytes. */
const DOS_DATE = 0x21;

function localHeader(name: Buffer): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(LOCAL_SIGNATURE, 0);
  header.writeUInt16LE(20, 4);
  // Bit 3: sizes and CRC follow the data. Bit 11: names are UTF-8.
  header.writeUInt16LE(0x0808, 6);
  header.writeUInt16LE(DEFLATED, 8);
  header.writeUInt16LE(DOS_DATE, 12);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, name]);
}

function ending(
  name: Buffer,
  entry: { readonly crc: number; readonly packed: number; readonly size: number },
): Buffer {
  const descriptor = Buffer.alloc(16);
  descriptor.writeUInt32LE(0x08074b50, 0);
  descriptor.writeUInt32LE(entry.crc, 4);
  descriptor.writeUInt32LE(entry.packed, 8);
  descriptor.writeUInt32LE(entry.size, 12);
  const central = Buffer.alloc(46);
  central.writeUInt32LE(ENTRY_SIGNATURE, 0);
  central.writeUInt16LE(20, 4);
  central.writeUInt16LE(20, 6);
  central.writeUInt16LE(0x0808, 8);
  central.writeUInt16LE(DEFLATED, 10);
  central.writeUInt16LE(DOS_DATE, 14);
  central.writeUInt32LE(entry.crc, 16);
  central.writeUInt32LE(entry.packed, 20);
  central.writeUInt32LE(entry.size, 24);
  central.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(END_SIZE);
  end.writeUInt32LE(END_SIGNATURE, 0);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length + name.length, 12);
  end.writeUInt32LE(30 + name.length + entry.packed + descriptor.length, 16);
  return Buffer.concat([descriptor, central, name, end]);
}

/** An archive of one entry, written as its content comes. */
export async function* zipOne(
  entryName: string,
  content: AsyncIterable<string>,
): AsyncGenerator<Uint8Array> {
  const name = Buffer.from(entryName);
  const deflate = createDeflateRaw();
  let crc = 0;
  let size = 0;
  let packed = 0;
  const feed = (async (): Promise<void> => {
    for await (const piece of content) {
      const bytes = Buffer.from(piece);
      crc = crc32(bytes, crc);
      size += bytes.length;
      if (!deflate.write(bytes)) await new Promise((resolve) => deflate.once('drain', resolve));
    }
    deflate.end();
  })();
  // A fault of the content ends the stream, so that the reader below does not wait for ever.
  feed.catch((error: unknown) => deflate.destroy(error instanceof Error ? error : undefined));
  yield localHeader(name);
  for await (const chunk of deflate as AsyncIterable<Buffer>) {
    packed += chunk.length;
    yield chunk;
  }
  await feed;
  yield ending(name, { crc, packed, size });
}
