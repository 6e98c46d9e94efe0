/** The signature of the issuing authority in a certificate, as poppler's pdfsig and openssl see it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDocumentSigner, renderStamp, verifyFile } from '../../stamp-renderer/index.ts';
import {
  qrOf,
  SEALED_AT,
  stampDocument,
  trustList,
} from '../../stamp-renderer/test-support/samples.ts';

const KINDS = {
  rsa: ['-newkey', 'rsa:2048'],
  ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
} as const;
type Kind = keyof typeof KINDS;

let folder: string;
const at = (name: string): string => path.join(folder, name);
const read = (name: string): string => readFileSync(at(name), 'utf8');

beforeAll(() => {
  if (spawnSync('pdfsig', ['-v']).status !== 0)
    throw new Error('This test needs pdfsig: apt-get install poppler-utils.');
  folder = mkdtempSync(path.join(tmpdir(), 'sanad-signed-'));
  for (const kind of Object.keys(KINDS) as Kind[])
    execFileSync(
      'openssl',
      [
        ...'req -x509 -nodes -days 2'.split(' '),
        ...KINDS[kind],
        ...['-keyout', at(`${kind}.key`), '-out', at(`${kind}.pem`)],
        ...['-subj', '/O=Board of Revenue Punjab/CN=E-Stamp Authority (test)'],
      ],
      { stdio: 'ignore' },
    );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const signerOf = (kind: Kind) =>
  openDocumentSigner({ certificates: read(`${kind}.pem`), privateKey: read(`${kind}.key`) });

const document = stampDocument();
// A seal is made once and printed as often as somebody asks.
const qrText = qrOf(document);

async function signed(kind: Kind): Promise<Buffer> {
  return renderStamp(document, { qrText }, {}, await signerOf(kind));
}

/** What pdfsig says; -nocert: the certificate is our own, and who trusts it is not the question. */
function pdfsig(pdf: Buffer): string {
  writeFileSync(at('signed.pdf'), pdf);
  return execFileSync('pdfsig', ['-nocert', at('signed.pdf')], { stdio: 'pipe' }).toString();
}

/** The bytes that are signed and the CMS over them, found by the ranges in the file. */
function partsOf(pdf: Buffer): { bytes: Buffer; cms: Buffer } {
  const range = /\/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]\s*\//.exec(pdf.toString('latin1'))!;
  const [first, length, second, rest] = range.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
  ];
  expect(second + rest).toBe(pdf.length);
  const hex = pdf.subarray(first + length + 1, second - 1).toString('latin1');
  return {
    bytes: Buffer.concat([pdf.subarray(first, first + length), pdf.subarray(second)]),
    cms: Buffer.from(hex, 'hex'),
  };
}

describe('a signed certificate', () => {
  it.each(['rsa', 'ec'] as const)(
    'is believed by pdfsig with a key of the kind %s',
    async (kind) => {
      const said = pdfsig(await signed(kind));
      expect(said).toContain('Signature is Valid.');
      expect(said).toContain('Signer Certificate Common Name: E-Stamp Authority (test)');
      expect(said).toContain('Signature Type: ETSI.CAdES.detached');
      expect(said).toContain('Total document signed');
    },
  );

  it('is believed by openssl, with the hash of its certificate among what is signed', async () => {
    const { bytes, cms } = partsOf(await signed('rsa'));
    writeFileSync(at('bytes'), bytes);
    writeFileSync(at('cms.der'), cms);
    const openssl = (...words: string[]): string =>
      execFileSync('openssl', words, { cwd: folder, stdio: 'pipe' }).toString();
    openssl(
      ...'cms -verify -binary -inform DER -in cms.der -content bytes -out /dev/null'.split(' '),
      ...['-CAfile', 'rsa.pem', '-cades', '-purpose', 'any'],
    );
    const printed = openssl(...'cms -cmsout -print -inform DER -in cms.der'.split(' '));
    expect(printed).toContain('id-smime-aa-signingCertificateV2');
    expect(printed).not.toContain('signingTime');
  });

  it('is refused when a byte of it is changed', async () => {
    const pdf = await signed('rsa');
    const place = pdf.indexOf('/Title');
    pdf.writeUInt8(pdf.readUInt8(place + 8) ^ 1, place + 8);
    expect(pdfsig(pdf)).toContain('Digest Mismatch');
  });

  it('is a sound PDF, and genuine to our own verification, like one without a signature', async () => {
    const pdf = await signed('ec');
    pdfsig(pdf);
    execFileSync('qpdf', ['--check', at('signed.pdf')], { stdio: 'pipe' });
    const found = await verifyFile(pdf, { trustList, now: SEALED_AT });
    expect(found).toMatchObject({ verdict: 'genuine', reasons: [], print: { state: 'agrees' } });
    expect(pdf.length).toBeLessThan(80 * 1024);
  });

  it('is refused by our own verification when the signature takes up room on the page', async () => {
    const pdf = await signed('ec');
    const place = pdf.indexOf('/Rect [0 0 0 0]');
    expect(place).toBeGreaterThan(0);
    pdf.write('/Rect [0 0 9 9]', place, 'latin1');
    const found = await verifyFile(pdf, { trustList, now: SEALED_AT });
    expect(found).toMatchObject({ verdict: 'refused', reasons: [{ field: 'page' }] });
  });

  it('is the same file when it is printed again with an RSA key', async () => {
    expect((await signed('rsa')).equals(await signed('rsa'))).toBe(true);
  });

  it.each([
    ['a key of another certificate', 'rsa.pem', 'ec.key'],
    ['no certificate', 'rsa.key', 'rsa.key'],
    ['no key', 'rsa.pem', 'rsa.pem'],
  ])('cannot be made with %s', async (_name, certificates, privateKey) => {
    await expect(
      openDocumentSigner({ certificates: read(certificates), privateKey: read(privateKey) }),
    ).rejects.toMatchObject({ code: 'config-invalid' });
  });
});
