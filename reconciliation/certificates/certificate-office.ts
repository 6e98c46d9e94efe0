/**
 * Issues the papers of what was committed: the challan, the sealed certificate, and what the register says of
 * a stamp. A stamp is sealed once, at its first print; every later print carries the same code.
 */
import type { Clock } from '../../kernel/clock.ts';
import type { Database } from '../../kernel/database.ts';
import { findSeal, keepSeal, type Challan, type Stamp } from '../../ledger/index.ts';
import {
  renderChallan,
  renderStamp,
  sealStamp,
  type DocumentSigner,
  type SealSigner,
} from '../../stamp-renderer/index.ts';
import { inclusionBundle, type InclusionBundle } from '../anchoring/index.ts';
import { challanDocument, stampDocument } from './documents.ts';

export interface CertificateOfficeOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly signer: SealSigner;
  /** Signs the files of certificates; absent: they carry the seal alone. */
  readonly documentSigner?: DocumentSigner | undefined;
  /** Address that the QR opens, without a slash at its end. */
  readonly publicUrl: () => string;
}

export interface CertificateOffice {
  challanPdf(challan: Challan): Promise<Uint8Array>;
  stampPdf(stamp: Stamp): Promise<Uint8Array>;
  /** The text of the stamp's QR code, sealed now if it never was. */
  qrText(stamp: Stamp): Promise<string>;
  /** The proof that the stamp is in the public log; undefined while it is not. */
  proof(stamp: Stamp): Promise<InclusionBundle | undefined>;
}

/** Makes the office over one signing key. */
export function makeCertificateOffice(options: CertificateOfficeOptions): CertificateOffice {
  const { database, clock, signer, documentSigner, publicUrl } = options;
  const qrText = async (stamp: Stamp): Promise<string> => {
    const kept = await findSeal(database, stamp);
    if (kept !== undefined) return kept;
    const sealedAt = clock.now();
    const seal = sealStamp(stampDocument(stamp), {
      signer,
      publicUrl: publicUrl(),
      sealedAt,
    });
    return keepSeal(database, stamp, seal.qrText, sealedAt);
  };
  return {
    qrText,
    challanPdf: (challan) => renderChallan(challanDocument(challan)),
    stampPdf: async (stamp) =>
      renderStamp(stampDocument(stamp), { qrText: await qrText(stamp) }, {}, documentSigner),
    proof: (stamp) => inclusionBundle(database, stamp.id),
  };
}
