/**
 * The seal's envelope: COSE_Sign1 (RFC 9052, tag 18) with ES256. Since the only freedom is the key id, the
 * payload's length and the signature, it is written and read as fixed bytes around them; docs/spec/seal.md
 * shows each byte.
 */
import { concatBytes, equalBytes, utf8 } from './bytes.ts';

/** Largest seal that is read, in bytes. */
export const SEAL_BYTES_MAX = 700;
export const KID_BYTES = 4;
const SIGNATURE_BYTES = 64;

/** Protected header {1: -7, 4: kid} up to the key id. */
const HEADER_START = Uint8Array.of(0xa2, 0x01, 0x26, 0x04, 0x44);
/** Tag 18, array of four, byte string of nine. */
const START = Uint8Array.of(0xd2, 0x84, 0x49);
/** The empty unprotected map. */
const UNPROTECTED = Uint8Array.of(0xa0);
/** Byte string of 64. */
const SIGNATURE_START = Uint8Array.of(0x58, 0x40);

export interface Envelope {
  /** Names the key in the trust list. */
  readonly kid: Uint8Array;
  readonly payload: Uint8Array;
  /** r ‖ s, 32 bytes each. */
  readonly signature: Uint8Array;
}

/** The bytes that are signed: Sig_structure of RFC 9052, 4.4, with no external data. */
export function bytesToSign(kid: Uint8Array, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return concatBytes(
    Uint8Array.of(0x84, 0x6a),
    utf8('Signature1'),
    Uint8Array.of(0x49),
    HEADER_START,
    kid,
    Uint8Array.of(0x40),
    byteStringHead(payload.length),
    payload,
  );
}

/** Writes an envelope. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  const { kid, payload, signature } = envelope;
  return concatBytes(
    START,
    HEADER_START,
    kid,
    UNPROTECTED,
    byteStringHead(payload.length),
    payload,
    SIGNATURE_START,
    signature,
  );
}

/** Reads an envelope; undefined for anything that `encodeEnvelope` would not write. */
export function decodeEnvelope(bytes: Uint8Array): Envelope | undefined {
  if (bytes.length > SEAL_BYTES_MAX) return undefined;
  const kidAt = START.length + HEADER_START.length;
  const payloadHeadAt = kidAt + KID_BYTES + UNPROTECTED.length;
  const payloadEnd = bytes.length - SIGNATURE_START.length - SIGNATURE_BYTES;
  const headBytes = byteStringHeadLength(bytes[payloadHeadAt]);
  const payloadAt = payloadHeadAt + headBytes;
  if (headBytes === 0 || payloadEnd <= payloadAt) return undefined;
  const envelope = {
    kid: bytes.slice(kidAt, kidAt + KID_BYTES),
    payload: bytes.slice(payloadAt, payloadEnd),
    signature: bytes.slice(-SIGNATURE_BYTES),
  };
  return equalBytes(encodeEnvelope(envelope), bytes) ? envelope : undefined;
}

/** The shortest CBOR head of a byte string below 64 kB. */
function byteStringHead(length: number): Uint8Array {
  if (length < 24) return Uint8Array.of(0x40 | length);
  return length < 256
    ? Uint8Array.of(0x58, length)
    : Uint8Array.of(0x59, length >> 8, length & 255);
}

function byteStringHeadLength(first: number | undefined): number {
  if (first === 0x58) return 2;
  if (first === 0x59) return 3;
  return first !== undefined && first >= 0x40 && first < 0x58 ? 1 : 0;
}
