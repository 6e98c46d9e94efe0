/**
 * `sanad bench render`: how many e-stamp certificates one thread draws, how large they are, whether memory stays flat,
 * and how many seals it signs and verifies. Every certificate is of another stamp, with names in Latin and Urdu by
 * turns, so that nothing but the fixed text comes from a cache.
 */
import { generateKeyPairSync, randomInt } from 'node:crypto';
import os from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { checkDigit } from '../kernel/check-digit.ts';
import { paisa } from '../kernel/money.ts';
import {
  makeSealSigner,
  renderStamp,
  sealStamp,
  verifyQr,
  type StampDocument,
  type TrustList,
} from '../stamp-renderer/index.ts';
import { figure, type BenchDocument } from './document.ts';
import { machineWithoutDatabase } from './harness/machine.ts';

export interface RenderBenchOptions {
  /** Certificates in all; the issue's figure is over 10,000. */
  readonly stamps: number;
  /** Seconds of signing and of verifying each. */
  readonly seconds: number;
  readonly say: (line: string) => void;
}

const BYTES_MAX = 60 * 1024;
const NAMES = [
  ['Muhammad', 'Ayesha', 'Tariq', 'Sana', 'Bilal', 'Zainab', 'Usman', 'Hina'],
  ['Ahmed', 'Siddiqa', 'Mehmood', 'Akram', 'Butt', 'Cheema', 'Qureshi', 'Malik'],
] as const;
const URDU_NAMES = [
  ['محمد', 'عائشہ', 'طارق', 'ثنا', 'بلال', 'زینب', 'عثمان', 'حنا'],
  ['احمد', 'صدیقہ', 'محمود', 'اکرم', 'بٹ', 'چیمہ', 'قریشی', 'ملک'],
] as const;

function nameOf(number: number, isUrdu: boolean): string {
  const names = isUrdu ? URDU_NAMES : NAMES;
  return names.map((part, place) => part[Math.floor(number / 8 ** place) % 8]).join(' ');
}

function cnicOf(number: number): string {
  return `35202-${String(1_000_000 + number).padStart(7, '0')}-1`;
}

/** A certificate with a property and three parties; the commitments are bytes of the right length. */
function documentOf(number: number): StampDocument {
  const isUrdu = number % 2 === 1;
  const party = (offset: number): StampDocument['applicant'] => ({
    name: nameOf(number + offset, isUrdu),
    relation: `${isUrdu ? 'ولد' : 'S/o'} ${nameOf(number + offset + 17, isUrdu)}`,
    cnic: cnicOf(number + offset),
    address: isUrdu
      ? `مکان نمبر ${String(number % 900)}، ماڈل ٹاؤن، لاہور`
      : `House ${String(number % 900)}, Model Town, Lahore`,
  });
  const body = String(483_051_729_600_000 + number);
  return {
    id: `${body}${checkDigit(body)}`,
    kind: 'non-judicial',
    description: 'CONVEYANCE - 23',
    article: '23',
    amount: paisa(BigInt(100_000 + number * 100)),
    applicant: party(0),
    firstParties: [party(3)],
    secondParties: [party(0), party(5)],
    purpose: isUrdu ? 'رہائشی پلاٹ کی فروخت' : 'Sale of residential plot',
    property: `Plot ${String(number)}, Block C, Johar Town, Lahore: residential, 10 marla`,
    district: 'Lahore',
    districtCode: 'LHR',
    challanNumber: `32A-261123-${String(number).padStart(8, '0')}`,
    psid: '10100483051729601',
    paidThrough: 'Bank of Punjab (ATM)',
    issuedAt: new Date(Date.UTC(2026, 10, 23, 9, 0, 0) + number),
    validUntil: '2027-05-23',
    state: 'issued',
    factsRoot: Buffer.alloc(32, number % 251),
    openings: [],
    salt: Buffer.alloc(16, number % 241),
    logSizeAtIssue: BigInt(number),
  };
}

/** Node's collector on demand, so that what grew is told from what is not swept yet. */
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

interface Drawn {
  readonly perSecond: number;
  readonly perProcessorSecond: number;
  readonly largest: number;
  readonly grownBytes: number;
}

async function draw(
  options: RenderBenchOptions,
  qrOf: (document: StampDocument) => string,
): Promise<Drawn> {
  const documents = options.stamps;
  const warm = Math.min(2_000, documents);
  let largest = 0;
  const one = async (number: number): Promise<void> => {
    const document = documentOf(number);
    const pdf = await renderStamp(document, { qrText: qrOf(document) });
    largest = Math.max(largest, pdf.length);
  };
  for (let number = 0; number < warm; number += 1) await one(number);
  collectGarbage();
  const before = process.memoryUsage.rss();
  const processor = process.cpuUsage();
  const began = performance.now();
  for (let number = 0; number < documents; number += 1) {
    await one(warm + number);
    if (number % 1_000 === 999) options.say(`${String(number + 1)} of ${String(documents)} drawn`);
  }
  const elapsed = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(processor);
  collectGarbage();
  return {
    perSecond: documents / elapsed,
    perProcessorSecond: documents / ((user + system) / 1_000_000),
    largest,
    grownBytes: Math.max(0, process.memoryUsage.rss() - before),
  };
}

/** Does `work` for some seconds; how many times in a second of the clock, the best of five rounds. */
async function rate(seconds: number, work: () => unknown): Promise<number> {
  let best = 0;
  for (let round = 0; round < 5; round += 1) {
    const began = performance.now();
    let count = 0;
    let elapsed = 0;
    while (elapsed < (seconds * 1_000) / 5) {
      for (let index = 0; index < 50; index += 1) await work();
      count += 50;
      elapsed = performance.now() - began;
    }
    best = Math.max(best, (count * 1_000) / elapsed);
  }
  return best;
}

/** Runs the benchmark. Needs no database. */
export async function benchRender(options: RenderBenchOptions): Promise<BenchDocument> {
  const [loadBefore = 0] = os.loadavg();
  const signer = makeSealSigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  const sealedAt = new Date(Date.UTC(2026, 10, 24));
  const qrOf = (document: StampDocument): string =>
    sealStamp(document, { signer, publicUrl: 'https://estamp.example', sealedAt }).qrText;
  const trustList: TrustList = {
    issuer: 'bench',
    keys: [
      {
        kid: signer.kid,
        alg: 'ES256',
        publicKey: signer.publicKey,
        authority: 'bench',
        notBefore: '2026-01-01T00:00:00Z',
        notAfter: '2027-12-31T00:00:00Z',
      },
    ],
    logs: [],
  };
  const drawn = await draw(options, qrOf);
  const sample = documentOf(randomInt(1_000));
  const signed = await rate(options.seconds, () => qrOf(sample));
  const qrText = qrOf(sample);
  const verdicts = new Set<string>();
  const verified = await rate(options.seconds, async () => {
    const { verdict } = await verifyQr(qrText, { trustList, now: sealedAt });
    verdicts.add(verdict);
  });
  const goal = (atLeast: number): { goal: { atLeast: number } } => ({ goal: { atLeast } });
  return {
    bench: 'render',
    machine: machineWithoutDatabase(loadBefore),
    notes: [
      `${String(options.stamps)} certificates, each of another stamp, sealed, with its code and its attachment; names in Latin and Urdu by turns; one thread`,
      'certificates in a second of processor time count every thread of the process, the clock counts what neighbours took as well',
      'seals: QR text from facts and back to a verdict, without a register',
    ],
    figures: [
      figure(
        { name: 'certificates, by the clock', value: drawn.perSecond, unit: '1/s' },
        goal(150),
      ),
      figure({
        name: 'certificates in a second of processor time',
        value: drawn.perProcessorSecond,
        unit: '1/s',
      }),
      figure(
        { name: 'largest certificate', value: drawn.largest, unit: 'bytes' },
        { goal: { below: BYTES_MAX } },
      ),
      figure(
        { name: 'memory grown', value: drawn.grownBytes / 2 ** 20, unit: 'MiB' },
        { goal: { below: 64 } },
      ),
      figure({ name: 'seals signed', value: signed, unit: '1/s' }, goal(10_000)),
      figure({ name: 'seals verified', value: verified, unit: '1/s' }, goal(5_000)),
    ],
    invariants: [...verdicts].join() === 'genuine' ? 'ok' : ['a seal of this run was not genuine'],
  };
}
