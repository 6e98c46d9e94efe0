/**
 * Signs for Fabric through OpenSSL. The gateway client brings a signer in JavaScript that is several times slower;
 * this one does what Fabric asks: ECDSA over P-256 and SHA-256, DER, with the smaller of the two possible S (Fabric
 * refuses the other one, since anybody could turn a signature into it).
 */
import { createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { Fault } from '../../../kernel/fault.ts';

/** The order of the group of P-256 (SEC 2, secp256r1). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const HALF = ORDER >> 1n;
const SCALAR_BYTES = 32;

function numberIn(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex')}`);
}

/** An INTEGER of DER: no leading zero bytes, but one when the top bit is set. */
function derInteger(value: bigint): Buffer {
  const digits = value.toString(16);
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  const bytes = Buffer.from(
    Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even,
    'hex',
  );
  return Buffer.concat([Buffer.of(0x02, bytes.length), bytes]);
}

/** Makes a signer of messages (not of digests) from a private key in PEM; a Fault `config-invalid` for another kind of key. */
export function makeFabricSigner(pem: Buffer): (message: Uint8Array) => Promise<Buffer> {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw new Fault('config-invalid', 'The key of the Fabric client cannot be read.', { cause });
  }
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new Fault('config-invalid', 'The key of the Fabric client must be a P-256 key.');
  }
  return (message) => {
    const signature = sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' });
    const r = numberIn(signature.subarray(0, SCALAR_BYTES));
    const s = numberIn(signature.subarray(SCALAR_BYTES));
    const body = Buffer.concat([derInteger(r), derInteger(s > HALF ? ORDER - s : s)]);
    return Promise.resolve(Buffer.concat([Buffer.of(0x30, body.length), body]));
  };
}
