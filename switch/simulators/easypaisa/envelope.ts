/** Signed envelopes as the wallet's own guide describes them; written from docs/spec/easypaisa.md, not from the channel. */
import { createSign, createVerify, type KeyObject } from 'node:crypto';

/** `{"request": …, "signature": …}` (or `response`): SHA256withRSA over the compact JSON of the inner object. */
export function makeEnvelope(
  name: 'request' | 'response',
  fields: Readonly<Record<string, string>>,
  key: KeyObject,
): string {
  const signature = createSign('RSA-SHA256').update(JSON.stringify(fields)).sign(key, 'base64');
  return JSON.stringify({ [name]: fields, signature });
}

/** The fields of an envelope and whether they are signed with this key; undefined when it is no envelope. */
export function openEnvelope(
  name: 'request' | 'response',
  text: string,
  key: KeyObject,
): { fields: Record<string, string>; signed: boolean } | undefined {
  let envelope: unknown;
  try {
    envelope = JSON.parse(text);
  } catch {
    return undefined;
  }
  const members = new Map<string, unknown>(
    Object.entries(typeof envelope === 'object' && envelope !== null ? envelope : {}),
  );
  const [inner, signature] = [members.get(name), members.get('signature')];
  if (members.size !== 2 || typeof inner !== 'object' || inner === null) return undefined;
  if (typeof signature !== 'string') return undefined;
  const fields: Record<string, string> = {};
  for (const [field, value] of Object.entries(inner) as [string, unknown][]) {
    if (typeof value !== 'string') return undefined;
    fields[field] = value;
  }
  const signed =
    signature !== '' &&
    createVerify('RSA-SHA256').update(JSON.stringify(inner)).verify(key, signature, 'base64');
  return { fields, signed };
}
