/** Reads PDF and PNG files from outside in a thread that can be ended (pdf-worker.js), within limits. */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { packageRoot } from '../../kernel/package-root.ts';

/** A piece of printed text with the left end of its baseline, in points from the top left corner. */
export interface TextItem {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export interface ReadPage {
  /** Of the picture, in pixels: two a point. */
  readonly width: number;
  readonly height: number;
  /** RGBA. */
  readonly pixels: Uint8Array;
  readonly items: readonly TextItem[];
  readonly isComplete: boolean;
  /**
   * False when something lies over the page that is not part of it: annotations other than a signature without a
   * picture, a rotation, another unit.
   */
  readonly isPlain: boolean;
  readonly codes: readonly string[];
}

export interface ReadPdf {
  readonly readable: true;
  readonly kind: 'pdf';
  readonly pages: readonly ReadPage[];
  readonly attachments: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  /** False when it has layers, scripts or form fields other than signatures. */
  readonly isPlain: boolean;
}

export interface ReadPng {
  readonly readable: true;
  readonly kind: 'png';
  readonly codes: readonly string[];
}

export interface Unreadable {
  readonly readable: false;
  readonly reason: string;
}

export interface FileReader {
  readPdf(bytes: Uint8Array): Promise<ReadPdf | Unreadable>;
  /** Reads a PDF without looking for codes on it, which takes most of the time. */
  readPdfPages(bytes: Uint8Array): Promise<ReadPdf | Unreadable>;
  readPng(bytes: Uint8Array): Promise<ReadPng | Unreadable>;
}

const MEMORY_MB_MAX = 512;
const WORKER = path.join(packageRoot, 'stamp-renderer', 'verification', 'pdf-worker.js');

/** Lends a reader to `work`; whatever the files do, it is gone afterwards. One file takes at most `timeoutMs`. */
export async function withFileReader<T>(
  timeoutMs: number,
  work: (reader: FileReader) => Promise<T>,
): Promise<T> {
  const worker = new Worker(WORKER, {
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB_MAX },
    env: {},
    stdout: true,
    stderr: true,
  });
  // The worker's answers to the two kinds of request are the shapes above; it is our own code.
  const ask = (kind: 'pdf' | 'pdf-pages' | 'png', bytes: Uint8Array): Promise<unknown> =>
    answerOf(worker, { kind, bytes: Uint8Array.from(bytes) }, timeoutMs);
  try {
    return await work({
      readPdf: async (bytes) => (await ask('pdf', bytes)) as ReadPdf | Unreadable,
      readPdfPages: async (bytes) => (await ask('pdf-pages', bytes)) as ReadPdf | Unreadable,
      readPng: async (bytes) => (await ask('png', bytes)) as ReadPng | Unreadable,
    });
  } finally {
    await worker.terminate();
  }
}

function answerOf(worker: Worker, request: unknown, timeoutMs: number): Promise<unknown> {
  return new Promise((resolve) => {
    const settle = (answer: unknown): void => {
      clearTimeout(timer);
      worker.off('message', settle);
      worker.off('error', broken);
      worker.off('exit', broken);
      resolve(answer);
    };
    // Out of memory, or a crash of a native library: the file did that, and it is unreadable.
    const broken = (): void => settle({ readable: false, reason: 'reader-ended' });
    const timer = setTimeout(() => settle({ readable: false, reason: 'timeout' }), timeoutMs);
    worker.on('message', settle);
    worker.on('error', broken);
    worker.on('exit', broken);
    worker.postMessage(request);
  });
}
