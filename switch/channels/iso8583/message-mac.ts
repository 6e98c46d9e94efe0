/**
 * The MAC of a message: DE 64, or DE 128 when the message has fields above 64. It stands last and is computed over
 * all bytes in front of it, from the MTI on (the frame and its header have no part in it).
 */
import { keysValidAt } from '../../participants/index.ts';
import { pack } from './codec.ts';
import type { MacKey, MacSettings } from './line-settings.ts';
import { MAC_BYTES, computeMac, isMac } from './mac.ts';
import type { IsoMessage } from './message.ts';
import type { MessageSpec } from './specs/spec.ts';

const EMPTY = '0'.repeat(2 * MAC_BYTES);

const isHex = (spec: MessageSpec, field: number): boolean =>
  (spec.fields[field]?.binary ?? spec.binary) === 'hex';

function macField(message: IsoMessage): 64 | 128 {
  for (const number of message.fields.keys()) if (number > 64) return 128;
  return 64;
}

function withMac(message: IsoMessage, mac: string): IsoMessage {
  const fields = new Map(message.fields);
  fields.delete(64);
  const field = macField({ mti: message.mti, fields });
  fields.delete(128);
  return { mti: message.mti, fields: fields.set(field, mac) };
}

/** Packs a message with its MAC. */
export function packWithMac(
  spec: MessageSpec,
  message: IsoMessage,
  mac: { readonly algorithm: MacSettings['algorithm']; readonly key: MacKey },
): Buffer {
  const sealed = withMac(message, EMPTY);
  const bytes = pack(spec, sealed);
  const hex = isHex(spec, macField(sealed));
  const place = bytes.length - MAC_BYTES * (hex ? 2 : 1);
  const code = computeMac(mac.algorithm, mac.key.key, bytes.subarray(0, place));
  if (hex) return pack(spec, withMac(message, code.toString('hex').toUpperCase()));
  code.copy(bytes, place);
  return bytes;
}

/** The key under which a message's MAC is right; undefined when it has none, or none of the valid keys fits. */
export function verifyMac(
  spec: MessageSpec,
  received: { readonly message: IsoMessage; readonly bytes: Buffer },
  mac: MacSettings,
  nowMs: number,
): MacKey | undefined {
  const { message, bytes } = received;
  const field = macField(message);
  const given = message.fields.get(field);
  // A second code in DE 64 of a message that ends in DE 128 would be one that nobody checked.
  if (given === undefined || (field === 128 && message.fields.has(64))) return undefined;
  const place = bytes.length - MAC_BYTES * (isHex(spec, field) ? 2 : 1);
  const data = bytes.subarray(0, place);
  const code = Buffer.from(given, 'hex');
  return keysValidAt(mac.keys, nowMs).find(({ key }) => isMac(mac.algorithm, key, data, code));
}
