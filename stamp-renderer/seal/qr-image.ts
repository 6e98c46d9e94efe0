/** The QR code as a matrix of modules and as a 1-bit PNG, which a PDF embeds as it is. */
import { crc32, deflateSync } from 'node:zlib';
import QRCode from 'qrcode';
import { Fault } from '../../kernel/fault.ts';
import { splitQrText } from './qr-text.ts';

/** White modules around the code that the standard asks for. */
export const QUIET_MODULES = 4;
/**
 * A mask breaks up regular pictures. A seal is a signature and hashes, as irregular as can be under any of the eight, so
 * weighing them against each other, most of the work of a code, would choose between equals.
 */
const MASK = 3;
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
    { errorCorrectionLevel: 'M', maskPattern: MASK },
  );
  const { size, data } = modules;
  return { size, isDark: (row, column) => data[row * size + column] === 1 };
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
  // White; the first byte of a row names its filter, none. The bits after the last pixel are not looked at.
  const white = Buffer.alloc(rowBytes, 0xff);
  white[0] = 0;
  const rows: Buffer[] = [];
  for (let row = -quiet; row < matrix.size + quiet; row += 1) {
    const line = Buffer.from(white);
    if (row >= 0 && row < matrix.size) {
      for (let column = 0; column < matrix.size; column += 1) {
        if (!matrix.isDark(row, column)) continue;
        const from = (column + quiet) * scale;
        for (let x = from; x < from + scale; x += 1) {
          line[1 + (x >> 3)] = (line[1 + (x >> 3)] ?? 0) & ~(0x80 >> (x & 7));
        }
      }
    }
    for (let copy = 0; copy < scale; copy += 1) rows.push(line);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header[8] = 1;
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows), { level: 3 })),
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
