// @ts-check
// Reads a file from outside in a thread of its own, so that a hostile PDF or PNG costs a thread and not the
// service: the owner (file-reader.ts) limits its memory and its time and ends it. Plain JavaScript, since a worker
// is loaded by Node itself, from the source tree and from the build alike. Answers are plain data.
import { createRequire } from 'node:module';
import path from 'node:path';
import { parentPort } from 'node:worker_threads';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import jsqr from 'jsqr';
import { getDocument } from 'pdfjs-dist/legacy/build/pdf.mjs';

const PAGES_MAX = 5;
/** Longest side of a page in points (legal paper is 1,008). */
const PAGE_POINTS_MAX = 1500;
/** Pixels per point in the picture that is compared. */
const SCALE = 2;
const IMAGE_PIXELS_MAX = 40_000_000;
const TEXT_ITEMS_MAX = 5000;
const ATTACHMENTS_MAX = 10;
const ATTACHMENT_BYTES_MAX = 200_000;
const CODES_MAX = 3;
/** Sides beyond this are scaled down before a code is looked for. */
const SEARCH_SIDE_MAX = 3600;

const pdfjs = path.dirname(createRequire(import.meta.url).resolve('pdfjs-dist/package.json'));
// jsQR is a CommonJS module whose function is its default export.
const findCode = /** @type {typeof jsqr} */ (
  /** @type {unknown} */ (
    /** @type {{ default?: unknown }} */ (/** @type {unknown} */ (jsqr)).default ?? jsqr
  )
);

/** @param {string} reason */
const unreadable = (reason) => ({ readable: false, reason });

/**
 * Every QR code in a picture, each painted over once it was read. `create` makes a canvas of the same library as
 * the given one: pdf.js may bring its own copy, and two copies do not draw each other's pictures.
 * @param {import('@napi-rs/canvas').Canvas} canvas
 * @param {(width: number, height: number) => import('@napi-rs/canvas').Canvas} create
 * @param {number[]} scales
 */
function codesOf(canvas, create, scales) {
  /** @type {string[]} */
  const codes = [];
  for (const scale of scales) {
    const width = Math.round(canvas.width * scale);
    const height = Math.round(canvas.height * scale);
    if (width < 20 || height < 20 || Math.max(width, height) > SEARCH_SIDE_MAX) continue;
    const scaled = create(width, height);
    const context = scaled.getContext('2d');
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, height);
    context.drawImage(canvas, 0, 0, width, height);
    for (let found = 0; found < CODES_MAX; found += 1) {
      const code = findCode(context.getImageData(0, 0, width, height).data, width, height, {
        inversionAttempts: 'dontInvert',
      });
      if (code === null) break;
      const text = Buffer.from(code.binaryData).toString('latin1');
      // White paper can be read as a code of nothing.
      if (text !== '' && !codes.includes(text)) codes.push(text);
      const corners = [
        code.location.topLeftCorner,
        code.location.topRightCorner,
        code.location.bottomRightCorner,
        code.location.bottomLeftCorner,
      ];
      context.beginPath();
      corners.forEach(({ x, y }, index) =>
        index === 0 ? context.moveTo(x, y) : context.lineTo(x, y),
      );
      context.closePath();
      context.fill();
    }
    if (codes.length > 0) return codes;
  }
  return codes;
}

/**
 * @param {import('pdfjs-dist').PDFPageProxy} page
 * @param {(width: number, height: number) => import('@napi-rs/canvas').Canvas} create
 * @param {boolean} withCodes
 */
async function readPage(page, create, withCodes) {
  const viewport = page.getViewport({ scale: SCALE });
  const canvas = create(Math.ceil(viewport.width), Math.ceil(viewport.height));
  const context = canvas.getContext('2d');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  await page.render({
    // pdf.js takes any canvas context; its types know the browser's only.
    canvasContext: /** @type {any} */ (context),
    canvas: /** @type {any} */ (canvas),
    viewport,
    background: '#fff',
  }).promise;
  const content = await page.getTextContent({ includeMarkedContent: false });
  const items = content.items.slice(0, TEXT_ITEMS_MAX).flatMap((item) =>
    'str' in item && item.str.trim() !== ''
      ? [
          {
            text: item.str,
            // From the top left corner, in points: the baseline's left end.
            x: item.transform[4] - (page.view[0] ?? 0),
            y: (page.view[3] ?? 0) - item.transform[5],
            width: item.width,
          },
        ]
      : [],
  );
  const annotations = await page.getAnnotations();
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return {
    width: canvas.width,
    height: canvas.height,
    pixels: new Uint8Array(data.buffer),
    items,
    isComplete: content.items.length <= TEXT_ITEMS_MAX,
    isPlain: annotations.every(isUnseenSignature) && page.rotate === 0 && page.userUnit === 1,
    codes: withCodes ? codesOf(canvas, create, [1, 2, 0.75, 1.5]) : [],
  };
}

/**
 * The field of a signature that shows nothing: no area and no picture. It is the only annotation that a certificate has.
 * @param {{ subtype?: string, fieldType?: string, rect?: number[], hasAppearance?: boolean }} annotation
 */
function isUnseenSignature({ subtype, fieldType, rect = [1, 1, 2, 2], hasAppearance }) {
  return (
    subtype === 'Widget' &&
    fieldType === 'Sig' &&
    hasAppearance === false &&
    rect[0] === rect[2] &&
    rect[1] === rect[3]
  );
}

/** @param {unknown} fields what pdf.js finds of form fields: null, or lists of them by name */
function areSignatures(fields) {
  return Object.values(fields ?? {})
    .flat()
    .every((field) => field.type === 'signature');
}

/**
 * @param {Uint8Array} bytes
 * @param {boolean} withCodes
 */
async function readPdf(bytes, withCodes) {
  const document = await getDocument({
    data: bytes,
    disableFontFace: true,
    isEvalSupported: false,
    useSystemFonts: false,
    enableXfa: false,
    maxImageSize: IMAGE_PIXELS_MAX,
    standardFontDataUrl: `${pdfjs}/standard_fonts/`,
    cMapUrl: `${pdfjs}/cmaps/`,
    wasmUrl: `${pdfjs}/wasm/`,
    verbosity: 0,
  }).promise;
  if (document.numPages > PAGES_MAX) return unreadable('too-many-pages');
  const create = (/** @type {number} */ width, /** @type {number} */ height) =>
    /** @type {any} */ (document.canvasFactory).create(width, height).canvas;
  const pages = [];
  for (let number = 1; number <= document.numPages; number += 1) {
    const page = await document.getPage(number);
    const [left, bottom, right, top] = page.view;
    const side = Math.max((right ?? 0) - (left ?? 0), (top ?? 0) - (bottom ?? 0)) * page.userUnit;
    if (!(side > 0 && side <= PAGE_POINTS_MAX)) return unreadable('page-too-large');
    pages.push(await readPage(page, create, withCodes));
  }
  const attached = Object.values((await document.getAttachments()) ?? {}).slice(0, ATTACHMENTS_MAX);
  const layers = await document.getOptionalContentConfig();
  const scripts = await document.getJSActions();
  const fields = await document.getFieldObjects();
  return {
    readable: true,
    kind: 'pdf',
    pages,
    attachments: attached.flatMap(({ filename, content }) =>
      typeof filename === 'string' &&
      content instanceof Uint8Array &&
      content.length <= ATTACHMENT_BYTES_MAX
        ? [{ name: filename, bytes: Uint8Array.from(content) }]
        : [],
    ),
    isPlain: [...layers].length === 0 && scripts === null && areSignatures(fields),
  };
}

/** @param {Uint8Array} bytes */
async function readPng(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Width and height stand in the first chunk; they are read before anything is unpacked.
  if (bytes.length < 33 || view.getUint32(12) !== 0x49484452) return unreadable('not-a-png');
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  if (width === 0 || height === 0 || width * height > IMAGE_PIXELS_MAX) {
    return unreadable('image-too-large');
  }
  const image = await loadImage(Buffer.from(bytes));
  const fit = Math.min(1, SEARCH_SIDE_MAX / Math.max(width, height));
  const canvas = createCanvas(Math.round(width * fit), Math.round(height * fit));
  const context = canvas.getContext('2d');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return {
    readable: true,
    kind: 'png',
    codes: codesOf(canvas, createCanvas, [1, 0.5, 2, 0.75, 0.35]),
  };
}

parentPort?.on(
  'message',
  (/** @type {{ kind: 'pdf' | 'pdf-pages' | 'png', bytes: Uint8Array }} */ { kind, bytes }) => {
    (kind === 'png' ? readPng(bytes) : readPdf(bytes, kind === 'pdf'))
      // Whatever a parser says about a file from outside, the file is unreadable; the name helps a person.
      .catch((error) => unreadable(error instanceof Error ? error.name : 'unknown'))
      .then((answer) => parentPort?.postMessage(answer));
  },
);
