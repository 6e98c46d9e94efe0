/**
 * What the verification page loads as `/assets/seal-verifier.js`: the same verdict as in Node, without anything
 * of Node. Bundled by bin/build.js.
 */
export { sealOfQrText } from './seal/qr-text.ts';
export { parseTrustList } from './seal/trust-list.ts';
export { statusFromJson } from './verification/status-from-json.ts';
export { verifyQr } from './verification/verify-qr.ts';
