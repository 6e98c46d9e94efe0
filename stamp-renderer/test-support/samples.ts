/** Documents, keys and clocks that the tests of this room share. */
import { createHash, createPrivateKey, type KeyObject } from 'node:crypto';
import { paisa } from '../../kernel/money.ts';
import type { ChallanDocument, FactOpening, StampDocument } from '../documents.ts';
import { printedFacts } from '../seal/openings.ts';
import { makeSealSigner, sealStamp, type SealSigner } from '../seal/sign-seal.ts';
import type { TrustList } from '../seal/trust-list.ts';

export const NOW = new Date('2026-11-24T09:30:00.000Z');
export const SEALED_AT = new Date('2026-11-23T15:05:10.000Z');
const PUBLIC_URL = 'https://estamp.example';

/** A key for tests and vectors: its scalar is the SHA-256 of its name. */
export function testKey(name: string): KeyObject {
  const scalar = createHash('sha256').update(name).digest('hex');
  const der = `30310201010420${scalar}a00a06082a8648ce3d030107`;
  return createPrivateKey({ key: Buffer.from(der, 'hex'), format: 'der', type: 'sec1' });
}

export const signer: SealSigner = makeSealSigner(testKey('sanad test seal key 1'));

export const trustList: TrustList = {
  issuer: 'Board of Revenue, Punjab',
  keys: [
    {
      kid: signer.kid,
      alg: 'ES256',
      publicKey: signer.publicKey,
      authority: 'Board of Revenue, Punjab',
      notBefore: '2026-11-01T00:00:00Z',
      notAfter: '2027-02-07T00:00:00Z',
    },
  ],
  logs: [],
};

const BASE = {
  id: '4830517296083411',
  kind: 'non-judicial',
  description: 'CONVEYANCE - 23',
  article: '23',
  amount: paisa(18_690_000n),
  applicant: {
    name: 'Muhammad Bilal Ahmed',
    relation: 'S/o Muhammad Akram',
    cnic: '35202-1234567-1',
    address: 'House 14-B, Street 5, Model Town, Lahore',
  },
  firstParties: [
    {
      name: 'Ayesha Siddiqa',
      relation: 'W/o Tariq Mehmood',
      cnic: '35201-7654321-8',
      address: 'House 221, Block C, Johar Town, Lahore',
    },
  ],
  secondParties: [
    {
      name: 'Muhammad Bilal Ahmed',
      relation: 'S/o Muhammad Akram',
      cnic: '35202-1234567-1',
      address: 'House 14-B, Street 5, Model Town, Lahore',
    },
    { name: 'Sana Bilal', relation: 'W/o Muhammad Bilal Ahmed', cnic: '35202-9988776-4' },
  ],
  purpose: 'Sale of residential plot',
  property:
    'Plot 118, Block C, Johar Town, Lahore: residential, 10 marla of 225 sq ft, covered 1,850 sq ft',
  district: 'Lahore',
  districtCode: 'LHR',
  challanNumber: '32A-2026-0004711',
  psid: '10100483051729601',
  paidThrough: 'Bank of Punjab (ATM)',
  issuedAt: new Date('2026-11-23T15:05:09.123Z'),
  validUntil: '2027-05-23',
  state: 'issued',
  salt: Buffer.from('6465666768696a6b6c6d6e6f70717273', 'hex'),
  logSizeAtIssue: 8_302n,
} as const satisfies Omit<StampDocument, 'factsRoot' | 'openings'>;

type Changes = Partial<Omit<StampDocument, 'factsRoot' | 'openings'>>;

/** A conveyance with Latin names; `changes` replace its members, and the commitment follows. */
export function stampDocument(changes: Changes = {}): StampDocument {
  const bare = { ...BASE, ...changes };
  const values = new Map([
    ...printedFacts({ ...bare, factsRoot: new Uint8Array(), openings: [] }),
    ['line', '1'],
    ['applicant.contact', '03001234567'],
  ]);
  const openings = [...values].map(([label, value]) => ({ label, value, salt: saltOf(label) }));
  return { ...bare, openings, factsRoot: rootOf(openings) };
}

/** The same with names, reason and property in Urdu. */
export function urduDocument(changes: Changes = {}): StampDocument {
  return stampDocument({
    applicant: {
      name: 'محمد بلال احمد',
      relation: 'ولد محمد اکرم',
      cnic: '35202-1234567-1',
      address: 'مکان نمبر 14-B، گلی نمبر 5، ماڈل ٹاؤن (لاہور)',
    },
    firstParties: [{ name: 'عائشہ صدیقہ', relation: 'زوجہ طارق محمود', cnic: '35201-7654321-8' }],
    secondParties: [{ name: 'محمد بلال احمد', relation: 'ولد محمد اکرم', cnic: '35202-1234567-1' }],
    purpose: 'رہائشی پلاٹ کی فروخت',
    property: 'پلاٹ نمبر 118، بلاک C، جوہر ٹاؤن، لاہور: رہائشی، 10 مرلہ',
    ...changes,
  });
}

/** The QR text of a document's seal, by the test key. */
export function qrOf(document: StampDocument, by: SealSigner = signer): string {
  return sealStamp(document, { signer: by, publicUrl: PUBLIC_URL, sealedAt: SEALED_AT }).qrText;
}

function saltOf(label: string): Buffer {
  return createHash('sha256').update(`test salt ${label}`).digest().subarray(0, 16);
}

/** docs/spec/leaf.md, written a second time for the tests. */
function rootOf(openings: readonly FactOpening[]): Buffer {
  const hash = createHash('sha256').update('sanad-facts-1');
  for (const { label, value, salt } of openings.toSorted((left, right) =>
    Buffer.compare(Buffer.from(left.label), Buffer.from(right.label)),
  )) {
    hash.update(
      createHash('sha256')
        .update(Buffer.of(0))
        .update(salt)
        .update(Buffer.of(label.length))
        .update(label)
        .update(value)
        .digest(),
    );
  }
  return hash.digest();
}

export const challanDocument: ChallanDocument = {
  challanNumber: '32A-2026-0004711',
  psid: '10100483051729601',
  district: 'Lahore',
  tehsil: 'Model Town',
  tenderer: BASE.applicant,
  particulars: 'CONVEYANCE - 23. Plot 118, Block C, Johar Town, Lahore, residential, 10 marla',
  lines: [
    {
      headCode: 'B02701',
      headTitle: 'Stamps, non-judicial',
      description: 'Stamp duty on conveyance, 1% of value',
      amount: paisa(18_690_000n),
      assumed: false,
    },
    {
      headCode: 'B02811',
      headTitle: 'Registration fees',
      description: 'Registration fee',
      amount: paisa(50_000n),
      assumed: true,
    },
    {
      headCode: 'B02790',
      headTitle: 'Local government',
      description: 'Fee on transfer of immovable property (TMA)',
      amount: paisa(1_869_000n),
      assumed: true,
    },
  ],
  total: paisa(20_609_000n),
  issuedAt: new Date('2026-11-23T14:40:00.000Z'),
  payableUntil: '2026-12-08',
};
