/**
 * `sanad demo`: the product's main job on real messages, in one run. Two stamps are applied for over HTTP and
 * paid over ISO 8583 and 1BILL by the simulators; a payment is repeated, one is reversed; the papers, the
 * proofs and the trial balance are left in a folder, and everything is verified and audited at the end.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { karachiTime, systemClock } from '../../kernel/clock.ts';
import { readConfig, type Config } from '../../kernel/config.ts';
import { Fault, invariant } from '../../kernel/fault.ts';
import { secureRandom } from '../../kernel/ids.ts';
import { formatRupees, parsePaisa, paisa } from '../../kernel/money.ts';
import { trialBalance } from '../../ledger/index.ts';
import { auditAll } from '../../reconciliation/index.ts';
import {
  connectBankSwitch,
  makeOneBillClient,
  type Exchange,
} from '../../switch/simulators/index.ts';
import { commandArguments } from '../arguments.ts';
import { loadKeys } from '../keys.ts';
import { print, printJson, progress } from '../output.ts';
import { startProduct, type Addresses, type Product } from '../product.ts';
import type { Trial } from '../trial.ts';

interface Applied {
  readonly psid: string;
  readonly amount: string;
  readonly accessToken: string;
}

const SELLER = {
  name: 'Muhammad Akram',
  cnic: '35202-1234567-1',
  contact: '03001234567',
  address: '12-B Gulberg III, Lahore',
  relation: 'S/o Muhammad Aslam',
};
const BUYER = {
  name: 'عائشہ خان',
  cnic: '35201-7654321-2',
  contact: '03217654321',
  address: '7 Ferozepur Road, Lahore',
  relation: 'D/o Imran Khan',
};

const CONVEYANCE = {
  instrument: 'conveyance',
  declaredValue: '450000000',
  property: {
    district: 'LHR',
    tehsil: 'LHR-MODEL-TOWN',
    locality: 'gulberg-iii',
    landClass: 'residential',
    area: { value: '10', unit: 'marla' },
    coveredArea: '1800',
  },
  seller: 'filer',
  purchaser: 'filer',
  applicant: BUYER,
  firstParties: [SELLER],
  secondParties: [BUYER],
  purpose: 'Sale of a house',
};
const AFFIDAVIT = {
  instrument: 'affidavit',
  district: 'RWP',
  applicant: SELLER,
  firstParties: [SELLER],
  secondParties: [],
  purpose: 'Affidavit for a domicile certificate',
};

function addressesOf(product: Product): Addresses {
  invariant(product.addresses !== undefined, 'the whole product has addresses');
  return product.addresses;
}

class Demo {
  readonly #product: Product;
  readonly #folder: string;
  readonly files: string[] = [];

  constructor(product: Product, folder: string) {
    this.#product = product;
    this.#folder = folder;
  }

  async save(name: string, content: string | Uint8Array): Promise<void> {
    await writeFile(path.join(this.#folder, name), content);
    this.files.push(name);
  }

  async #fetch(route: string, init: RequestInit = {}): Promise<Response> {
    const response = await fetch(`${addressesOf(this.#product).http}${route}`, init);
    if (!response.ok && response.status !== 404) {
      throw new Fault('internal', 'The API refused a step of the demo.', {
        fields: { route, status: response.status, answer: (await response.text()).slice(0, 500) },
      });
    }
    return response;
  }

  async apply(application: object): Promise<Applied> {
    const response = await this.#fetch('/v1/stamp-applications', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'idempotency-key': secureRandom.bytes(16).toString('hex'),
      },
      body: JSON.stringify(application),
    });
    // The answer of our own API, checked against its schema before it was sent.
    return (await response.json()) as Applied;
  }

  async document(route: string, applied: Applied): Promise<Uint8Array> {
    const response = await this.#fetch(route, {
      headers: { authorization: `Bearer ${applied.accessToken}` },
    });
    return new Uint8Array(await response.arrayBuffer());
  }

  /** Waits until a stamp is in the public log, and returns its proof file. */
  async proof(stampId: string): Promise<string> {
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const response = await this.#fetch(`/v1/stamps/${stampId}/proof`);
      const text = await response.text();
      if (response.ok) return text;
      await sleep(100);
    }
    throw new Fault('internal', 'A stamp did not reach the public log in ten seconds.', {
      fields: { stampId },
    });
  }

  async verify(
    bytes: Uint8Array,
    type: string,
  ): Promise<{ verdict: string; reasons: { code: string }[]; log: { state: string } }> {
    const response = await this.#fetch('/v1/verifications', {
      method: 'POST',
      headers: { 'content-type': type },
      body: new Uint8Array(bytes),
    });
    // The answer of our own API.
    return (await response.json()) as {
      verdict: string;
      reasons: { code: string }[];
      log: { state: string };
    };
  }
}

function answered(
  exchange: Exchange,
  code: string,
  step: string,
): Extract<Exchange, { answered: true }> {
  invariant(exchange.answered, `${step}: no answer`);
  invariant(exchange.code === code, `${step}: answered ${exchange.code} instead of ${code}`);
  return exchange;
}

async function payAtAtm(
  product: Product,
  trial: Trial,
  applied: Applied,
  toReverse: Applied,
): Promise<string> {
  const [host = '', port = ''] = addressesOf(product).iso8583.split(':');
  const bank = await connectBankSwitch({
    host,
    port: Number(port),
    institutionId: trial.iso8583.institutionId,
    terminalId: 'ATM00001',
    clock: systemClock,
    random: secureRandom,
  });
  answered(await bank.signOn(), '00', 'sign-on');
  const bill = answered(await bank.inquire(applied.psid), '00', 'inquiry');
  invariant(bill.amountPaisa === BigInt(applied.amount), 'the inquiry told another amount');
  const paid = answered(await bank.pay(applied.psid, BigInt(applied.amount)), '00', 'payment');
  answered(await bank.echo(), '00', 'echo');
  const again = answered(await bank.repeat(paid.sent), '00', 'repeat');
  invariant(again.authorisation === paid.authorisation, 'the repeat was answered otherwise');
  const second = answered(
    await bank.pay(toReverse.psid, BigInt(toReverse.amount)),
    '00',
    'second payment',
  );
  answered(await bank.reverse(second.sent), '00', 'reversal');
  answered(await bank.signOff(), '00', 'sign-off');
  await bank.close();
  return paid.stampIds[0] ?? '';
}

async function payBy1Bill(product: Product, trial: Trial, applied: Applied): Promise<void> {
  const client = makeOneBillClient({ baseUrl: addressesOf(product).http, ...trial.onebill });
  const bill = await client.inquire(applied.psid);
  invariant(bill.responseCode === '00' && bill.billStatus === 'U', '1BILL inquiry was refused');
  const { year, month, day, hour, minute, second } = karachiTime(systemClock.now());
  const paid = await client.pay({
    psid: applied.psid,
    amountPaisa: bill.amountWithinDueDatePaisa,
    tranAuthId: secureRandom.digits(6),
    tranDate: `${year}${month}${day}`,
    tranTime: `${hour}${minute}${second}`,
  });
  invariant(paid.responseCode === '00', '1BILL payment was refused');
  const again = await client.repeat();
  invariant(
    again.identificationParameter === paid.identificationParameter,
    'the repeat over 1BILL was answered otherwise',
  );
}

async function writeTrialBalance(demo: Demo, product: Product): Promise<bigint> {
  const lines = await trialBalance(product.books.database);
  const sum = (side: 'debits' | 'credits'): bigint =>
    lines.reduce((total, line) => total + line[side], 0n);
  const row = (...cells: string[]): string =>
    `${(cells[0] ?? '').padEnd(40)}${(cells[1] ?? '').padStart(24)}${(cells[2] ?? '').padStart(24)}`;
  const table = [
    row('Account', 'Debits PKR', 'Credits PKR'),
    ...lines.map((line) => row(line.path, formatRupees(line.debits), formatRupees(line.credits))),
    row('Total', formatRupees(paisa(sum('debits'))), formatRupees(paisa(sum('credits')))),
  ];
  await demo.save('trial-balance.txt', `${table.join('\n')}\n`);
  return sum('debits') - sum('credits');
}

async function runStory(
  demo: Demo,
  product: Product,
  trial: Trial,
  config: Config,
): Promise<Record<string, unknown>> {
  progress('1/6 applying for a conveyance and an affidavit …');
  const deed = await demo.apply(CONVEYANCE);
  const affidavit = await demo.apply(AFFIDAVIT);
  await demo.save('challan.pdf', await demo.document(`/v1/challans/${deed.psid}/pdf`, deed));
  progress(
    `2/6 paying PSID ${deed.psid} at an ATM (ISO 8583), PKR ${formatRupees(parsePaisa(deed.amount))} …`,
  );
  const deedStamp = await payAtAtm(product, trial, deed, affidavit);
  progress(`3/6 paying PSID ${affidavit.psid} over 1BILL, after its first payment was reversed …`);
  await payBy1Bill(product, trial, affidavit);
  const listed = JSON.parse(
    Buffer.from(await demo.document(`/v1/challans/${affidavit.psid}/stamps`, affidavit)).toString(),
  ) as { id: string }[] | { stamps: { id: string }[] };
  const affidavitStamp = (Array.isArray(listed) ? listed : listed.stamps)[0]?.id ?? '';
  progress('4/6 waiting for the public log …');
  await demo.save('proof.json', await demo.proof(deedStamp));
  await demo.proof(affidavitStamp);
  progress('5/6 printing and verifying the e-stamps …');
  const verdicts: string[] = [];
  for (const [name, id, applied] of [
    ['e-stamp.pdf', deedStamp, deed],
    ['e-stamp-affidavit.pdf', affidavitStamp, affidavit],
  ] as const) {
    const pdf = await demo.document(`/v1/stamps/${id}/pdf`, applied);
    await demo.save(name, pdf);
    const report = await demo.verify(pdf, 'application/pdf');
    invariant(
      report.verdict === 'genuine' && report.log.state === 'proved',
      `${name} was refused: ${report.reasons.map((reason) => reason.code).join(', ')}`,
    );
    verdicts.push(`${name}: ${report.verdict}`);
  }
  progress('6/6 auditing books, register and log …');
  const difference = await writeTrialBalance(demo, product);
  const { logPublicKey } = await loadKeys(config.dataFolder, config.logOrigin, systemClock);
  const audit = await auditAll(product.books.database, {
    logPublicKey,
    origin: config.logOrigin,
    // The embedded chain lies in the books themselves.
    ...(config.fabric === undefined ? {} : { chain: product.chain }),
  });
  await demo.save(
    'audit.json',
    `${JSON.stringify(audit, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value), 2)}\n`,
  );
  return {
    ok: audit.ok && difference === 0n,
    booksDifference: difference.toString(),
    audit: audit.ok,
    verdicts,
    files: demo.files,
  };
}

/** True when the books balance and the stamps verify. */
export async function demoCommand(argv: readonly string[]): Promise<boolean> {
  const given = commandArguments(argv, { json: 'boolean', out: 'string' });
  const asked = readConfig();
  const folder = path.resolve(given.out ?? 'demo-output');
  await mkdir(folder, { recursive: true });
  const publicUrl = asked.publicUrl ?? `http://localhost:${String(asked.httpPort)}`;
  const config: Config = { ...asked, publicUrl, httpPort: 0, iso8583Port: 0 };
  progress('0/6 starting the product …');
  const product = await startProduct(config);
  try {
    if (product.trial === undefined)
      throw new Fault(
        'config-invalid',
        'The demo needs the trial participants of a fresh data folder; set SANAD_DATA_DIR to a new one.',
      );
    const report = await runStory(new Demo(product, folder), product, product.trial, config);
    if (given.json) printJson({ ...report, folder });
    else
      print(
        `${report['ok'] === true ? 'The books balance and both stamps verify.' : 'SOMETHING IS WRONG.'} Files are in ${folder}`,
      );
    return report['ok'] === true;
  } finally {
    await product.stop();
  }
}
