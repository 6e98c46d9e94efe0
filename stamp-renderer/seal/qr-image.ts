/** The QR code as a matrix of modules and as a 1-bit PNG, which a PDF embeds as it is. */
import { crc32, deflateSync } from 'node:zlib';
import QRCode from 'qrcode';
import { Fault } from '../../kernel/fault.ts';
import { splitQrText } from './qr-text.ts';

/** White modules around the code that the standard asks for. */
export const QUIET_MODULES = 4;
/** Pixels a module in a PNG of the code alone. */
const PNG_SCALE = 8;

export interface QrMatrix {
  /** Modules along one side, without the quiet zone. */
  readonly size: number;
  isDark(row: number, column: number): boolean;
}

/**
 * Lays a seal's QR text out at level M: the address in a byte segment, the rest in an alphanumeric one, which
 * needs 5.5 bits a character. Refuses a text that is no seal's.
 */
export function qrMatrix(text: string): QrMatrix {
  const parts = splitQrText(text);
  if (parts === undefined) throw new Fault('bad-input', 'The text is not that of a seal.');
  const { modules } = QRCode.create(
    [
      { data: new TextEncoder().encode(parts.address), mode: 'byte' },
      { data: parts.code, mode: 'alphanumeric' },
    ],
    { errorCorrectionLevel: 'M' },
  );
  return { size: modules.size, isDark: (row, column) => modules.get(row, column) === 1 };
}

/** The QR code of a seal alone, as a black and white PNG with its quiet zone. */
export function qrPng(text: string): Buffer {
  return matrixPng(qrMatrix(text), { scale: PNG_SCALE, quiet: QUIET_MODULES });
}

/** A matrix as a 1-bit greyscale PNG: `scale` pixels a module, `quiet` white modules around. */
export function matrixPng(
  matrix: QrMatrix,
  { scale, quiet }: { readonly scale: number; readonly quiet: number },
): Buffer {
  const side = (matrix.size + 2 * quiet) * scale;
  const rowBytes = 1 + ((side + 7) >> 3);
  const rows = Buffer.alloc(rowBytes * side);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const row = Math.floor(y / scale) - quiet;
      const column = Math.floor(x / scale) - quiet;
      const inside = row >= 0 && column >= 0 && row < matrix.size && column < matrix.size;
      if (inside && matrix.isDark(row, column)) continue;
      const at = y * rowBytes + 1 + (x >> 3);
      rows[at] = (rows[at] ?? 0) | (0x80 >> (x & 7));
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header[8] = 1;
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'ascii'), content]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}
