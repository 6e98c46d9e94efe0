/** Where a large table comes from: a file on disk or bytes in memory, read piece by piece, CSV or XLSX. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { BrokenFile, CsvSplitter, type FileRecord } from './csv-records.ts';
import type { SourceFile } from './table-file.ts';
import { xlsxRecords } from './xlsx-records.ts';

/** Largest file: a table of a million rows is about 200 MB as CSV. */
const CSV_BYTES_MAX = 512 * 1024 * 1024;
const XLSX_BYTES_MAX = 128 * 1024 * 1024;

/** A file that can be read from its beginning as often as needed. */
export interface TableSource {
  /** Name without folder, as problems quote it. */
  readonly fileName: string;
  chunks(): AsyncIterable<Uint8Array>;
}

/** A file on disk; it must not change while it is read. */
export function diskSource(file: string): TableSource {
  return {
    fileName: path.basename(file),
    chunks: () => createReadStream(file, { highWaterMark: 64 * 1024 }),
  };
}

/** Bytes that are in memory already. */
export function memorySource(file: SourceFile): TableSource {
  return {
    fileName: file.fileName,
    // eslint-disable-next-line @typescript-eslint/require-await -- the port asks for an async iterable
    async *chunks() {
      for (let at = 0; at < file.bytes.length; at += 256 * 1024) {
        yield file.bytes.subarray(at, at + 256 * 1024);
      }
    },
  };
}

/** SHA-256 of a source, hex. */
export async function sourceHash(source: TableSource): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of source.chunks()) hash.update(chunk);
  return hash.digest('hex');
}

async function* csvBatches(source: TableSource): AsyncGenerator<FileRecord[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const splitter = new CsvSplitter();
  let bytes = 0;
  const decode = (chunk?: Uint8Array): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch (cause) {
      throw new BrokenFile(splitter.line, 'the file is not UTF-8 text', { cause });
    }
  };
  for await (const chunk of source.chunks()) {
    bytes += chunk.length;
    if (bytes > CSV_BYTES_MAX)
      throw new BrokenFile(splitter.line, 'the file is larger than 512 MiB');
    yield splitter.push(decode(chunk));
  }
  yield splitter.push(decode());
  yield splitter.end();
}

async function wholeFile(source: TableSource, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of source.chunks()) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new BrokenFile(1, 'the workbook is larger than 128 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function isZip(source: TableSource): Promise<boolean> {
  for await (const chunk of source.chunks()) {
    return chunk[0] === 0x50 && chunk[1] === 0x4b && chunk[2] === 3 && chunk[3] === 4;
  }
  return false;
}

/**
 * The records of a CSV file, or of a sheet of an XLSX workbook, in batches as they come. Throws `BrokenFile` when
 * the file cannot be read on.
 */
export async function* tableRecords(
  source: TableSource,
  sheet?: string,
): AsyncGenerator<FileRecord[]> {
  if (await isZip(source)) yield* xlsxRecords(await wholeFile(source, XLSX_BYTES_MAX), sheet);
  else yield* csvBatches(source);
}
