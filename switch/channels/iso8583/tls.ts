/**
 * TLS of the line: the server's certificate, the authority whose client certificates are taken, and the revocation
 * list. Which participant a certificate may speak for stands in the participant's settings (`line-settings.ts`).
 */
import { createHash } from 'node:crypto';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import type { Peer } from './session.ts';

export interface Iso8583Tls {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
  /** PEM of the authorities of the clients' certificates; no other is taken. */
  readonly ca: string;
  /** PEM of the authorities' revocation lists; when given, each authority of the chain must have one that is current. */
  readonly crl?: string;
}

/** What the TLS server is made with, and can be given anew while it runs. */
export function secureContext({ key, cert, ca, crl }: Iso8583Tls): SecureContextOptions {
  return { key, cert, ca, minVersion: 'TLSv1.2', ...(crl === undefined ? {} : { crl }) };
}

/** The subject of a certificate in one line, in the certificate's own order: `O=Bank, CN=switch`. */
function subjectText(subject: object): string {
  return Object.entries(subject)
    .flatMap(([name, value]) => [value].flat().map((each) => `${name}=${String(each)}`))
    .join(', ');
}

/** Who is at the other end of a TLS connection whose certificate was verified. */
export function peerOf(socket: TLSSocket): Peer {
  const certificate = socket.getPeerCertificate();
  return {
    remoteAddress: socket.remoteAddress ?? '',
    needsCertificate: true,
    certificate: {
      sha256: createHash('sha256').update(certificate.raw).digest('hex'),
      subject: subjectText(certificate.subject),
    },
  };
}
