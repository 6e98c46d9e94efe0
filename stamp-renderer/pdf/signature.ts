/**
 * The electronic signature of the issuing authority in a PDF: PAdES baseline B-B (ETSI EN 319 142-1), an invisible
 * signature whose CMS names its certificate by hash (RFC 5035). It is beside the seal, not in its place: a paper has
 * the seal alone, and a file that is opened in a reader shows who issued it.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  webcrypto,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import type { BaseBlock } from 'asn1js';
import type { SignedAndUnsignedAttributes } from 'pkijs';
import { Fault } from '../../kernel/fault.ts';
import type { Sheet } from './sheet.ts';

const OID = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
} as const;

/** Room for the CMS: two RSA-4096 certificates and a signature are 5 kB. */
const CMS_BYTES_MAX = 8_192;
/** Room for a number of the ranges; pdfkit writes such a text as a name, with a slash before it. */
const ROOM = '**********';
/** The ranges as `placeSignature` has them written, to be found and filled in when the file is whole. */
const RANGE = `/ByteRange [0 /${ROOM} /${ROOM} /${ROOM}]`;

/** Signs PDFs with a certificate. */
export interface DocumentSigner {
  /** The subject's common name, as readers show it. */
  readonly name: string;
  /** A detached CMS (DER) over these bytes. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

type Algorithm =
  { name: 'ECDSA'; namedCurve: string } | { name: 'RSASSA-PKCS1-v1_5'; hash: string };

function algorithmOf(key: KeyObject): Algorithm {
  if (key.asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1')
    return { name: 'ECDSA', namedCurve: 'P-256' };
  throw new Fault('config-invalid', 'The key that signs documents must be RSA or EC P-256.');
}

type Libraries = Awaited<ReturnType<typeof loadLibraries>>;

/** Loaded by whoever signs: the program starts without them. */
async function loadLibraries() {
  const [asn1, pki] = await Promise.all([import('asn1js'), import('pkijs')]);
  return { asn1, pki };
}

function readChain(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/**
 * Opens a signer over a PEM chain (the signer's own certificate first) and its PEM private key. A Fault
 * `config-invalid`: one of them cannot be read, they do not belong together, or the key is of another kind.
 */
export async function openDocumentSigner(pem: {
  readonly certificates: string;
  readonly privateKey: string;
}): Promise<DocumentSigner> {
  let chain: X509Certificate[];
  let key: KeyObject;
  try {
    chain = readChain(pem.certificates);
    key = createPrivateKey(pem.privateKey);
  } catch (cause) {
    throw new Fault(
      'config-invalid',
      'The certificate or key that signs documents is unreadable.',
      {
        cause,
      },
    );
  }
  const [own, ...others] = chain;
  if (own?.publicKey.equals(createPublicKey(key)) !== true)
    throw new Fault('config-invalid', 'The key that signs documents is not of the certificate.');
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithmOf(key), false, [
    'sign',
  ]);
  const libraries = await loadLibraries();
  const { pki } = libraries;
  const parsed = ({ raw }: X509Certificate): InstanceType<typeof pki.Certificate> =>
    pki.Certificate.fromBER(Uint8Array.from(raw).buffer);
  const certificate = parsed(own);
  const certificates = [certificate, ...others.map(parsed)];
  const name = /^CN=(.+)$/m.exec(own.subject)?.[1] ?? own.subject.replaceAll('\n', ', ');
  return {
    name,
    async sign(bytes) {
      const cms = new pki.SignedData({
        version: 1,
        encapContentInfo: new pki.EncapsulatedContentInfo({ eContentType: OID.data }),
        signerInfos: [
          new pki.SignerInfo({
            version: 1,
            sid: new pki.IssuerAndSerialNumber({
              issuer: certificate.issuer,
              serialNumber: certificate.serialNumber,
            }),
            signedAttrs: attributes(libraries, bytes, own),
          }),
        ],
        certificates,
      });
      await cms.sign(signingKey, 0, 'SHA-256', Uint8Array.from(bytes).buffer);
      const content = new pki.ContentInfo({
        contentType: OID.signedData,
        content: cms.toSchema(true),
      });
      return new Uint8Array(content.toSchema().toBER());
    },
  };
}

/** What is signed beside the bytes: their kind, their hash, and which certificate signs (EN 319 142-1, 6.3). */
function attributes(
  { asn1, pki }: Libraries,
  bytes: Uint8Array,
  own: X509Certificate,
): SignedAndUnsignedAttributes {
  const hashOf = (of: Uint8Array): BaseBlock =>
    new asn1.OctetString({
      valueHex: Uint8Array.from(createHash('sha256').update(of).digest()).buffer,
    });
  const sequence = (...value: BaseBlock[]): BaseBlock => new asn1.Sequence({ value });
  return new pki.SignedAndUnsignedAttributes({
    type: 0,
    attributes: [
      new pki.Attribute({
        type: OID.contentType,
        values: [new asn1.ObjectIdentifier({ value: OID.data })],
      }),
      new pki.Attribute({ type: OID.messageDigest, values: [hashOf(bytes)] }),
      // SigningCertificateV2: one ESSCertIDv2 whose hash is SHA-256, the default that DER leaves out.
      new pki.Attribute({
        type: OID.signingCertificateV2,
        values: [sequence(sequence(sequence(hashOf(own.raw))))],
      }),
    ],
  });
}

/** Adds the field of a signature to a document under way, on its last page and without a picture. */
export function placeSignature(
  sheet: Sheet,
  given: { readonly name: string; readonly at: Date },
): void {
  const { document } = sheet;
  const value = document.ref({
    Type: 'Sig',
    Filter: 'Adobe.PPKLite',
    SubFilter: 'ETSI.CAdES.detached',
    ByteRange: [0, ROOM, ROOM, ROOM],
    Contents: Buffer.alloc(CMS_BYTES_MAX),
    M: given.at,
    Name: new String(given.name),
    Reason: new String('Issued by the authority that keeps the register of e-stamps'),
  });
  value.finalize();
  // What pdfkit's types do not show of its page and catalogue.
  const inner = document as unknown as {
    page: { dictionary: PDFKit.PDFKitReference; annotations: PDFKit.PDFKitReference[] };
    _root: { data: { AcroForm?: PDFKit.PDFKitReference } };
    _acroform: object;
  };
  const widget = document.ref({
    Type: 'Annot',
    Subtype: 'Widget',
    FT: 'Sig',
    Rect: [0, 0, 0, 0],
    // Printed, and locked (ISO 19005-3, 6.3.2 wants the first).
    F: 4 + 128,
    V: value,
    T: new String('Signature1'),
    P: inner.page.dictionary,
  });
  inner.page.annotations.push(widget);
  widget.finalize();
  // pdfkit ends the form itself, and asks for a font that no field of ours has.
  inner._acroform = { fonts: {}, defaultFont: 'none' };
  inner._root.data.AcroForm = document.ref({
    Fields: [widget],
    SigFlags: 3,
    DR: { Font: {} },
  });
}

/** Signs a finished PDF in which a signature was placed. */
export async function signPlaced(pdf: Buffer, signer: DocumentSigner): Promise<Buffer> {
  const rangeAt = pdf.lastIndexOf(RANGE);
  const contentsAt = pdf.indexOf('/Contents <', rangeAt);
  if (rangeAt < 0 || contentsAt < 0)
    throw new Fault('internal', 'A document that is to be signed has no place for it.');
  const from = contentsAt + '/Contents '.length;
  const to = from + 2 * CMS_BYTES_MAX + 2;
  const signed = Buffer.from(pdf);
  const range = `/ByteRange [0 ${String(from)} ${String(to)} ${String(pdf.length - to)}]`;
  signed.write(range.padEnd(RANGE.length), rangeAt, 'latin1');
  const cms = await signer.sign(Buffer.concat([signed.subarray(0, from), signed.subarray(to)]));
  if (cms.length > CMS_BYTES_MAX)
    throw new Fault('internal', 'A signature does not fit into its place.', {
      fields: { bytes: cms.length },
    });
  signed.write(Buffer.from(cms).toString('hex'), from + 1, 'latin1');
  return signed;
}
