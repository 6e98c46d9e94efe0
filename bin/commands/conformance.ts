/**
 * `sanad conformance`: runs the suite of `switch/channels/conformance.ts` against a running switch, as an integrator's
 * system would meet it, and writes the report as JSON and as a page. Where the switch's books are a sandbox, the fixed
 * PSIDs of docs/integrators/sandbox.md make every rule run.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { systemClock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/fault.ts';
import { isPsid, newPsid, secureRandom } from '../../kernel/ids.ts';
import { SANDBOX_AMOUNT, sandboxPsid } from '../../switch/index.ts';
import {
  CONFORMANCE_RULES,
  conformanceHtml,
  forcedByFixedPsids,
  runConformance,
  type ConformanceDriver,
  type ConformanceReport,
  type ConformanceSandbox,
  type RuleName,
} from '../../switch/simulators/index.ts';
import { commandArguments } from '../arguments.ts';
import { print, printJson, progress } from '../output.ts';
import { openDriver, readParticipantsFile } from '../participants-file.ts';

const USAGE =
  'Usage: npx sanad conformance --channel iso8583|onebill|jazzcash|easypaisa|otc --target HOST:PORT --participant FILE [--api http://HOST:PORT] [--expired PSID:PAISA] [--above-limit PSID:PAISA] [--rules a,b] [--out FOLDER] [--strict] [--json]';

const PERSON = {
  name: 'Conformance Run',
  cnic: '35202-1234567-1',
  contact: '03001234567',
  address: 'Lahore',
};
const AFFIDAVIT = {
  instrument: 'affidavit',
  district: 'LHR',
  applicant: PERSON,
  firstParties: [PERSON],
  secondParties: [],
  purpose: 'Conformance run',
};
/** A sale for Rs 90,000,000,000: its duty is above the limit of any participant of a sandbox. */
const DEAR_SALE = {
  ...AFFIDAVIT,
  instrument: 'conveyance',
  declaredValue: '9000000000000',
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
  secondParties: [PERSON],
};
const appliedSchema = z.object({ psid: z.string(), amount: z.string().regex(/^\d+$/) });

interface Payable {
  readonly psid: string;
  readonly amountPaisa: bigint;
}

/** Applies for a stamp over the public interface of the target. */
async function applyForChallan(api: string, application: object): Promise<Payable> {
  const response = await fetch(new URL('/v1/stamp-applications', api), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'idempotency-key': secureRandom.bytes(16).toString('hex'),
    },
    body: JSON.stringify(application),
  });
  const parsed = appliedSchema.safeParse(await response.json());
  if (response.status !== 201 || !parsed.success)
    throw new Fault('internal', 'The target made no challan to pay; see its answer.', {
      fields: { status: response.status },
    });
  return { psid: parsed.data.psid, amountPaisa: BigInt(parsed.data.amount) };
}

/** Reads `PSID:PAISA`. */
function readChallan(text: string | undefined): (() => Promise<Payable>) | undefined {
  if (text === undefined) return undefined;
  const [psid = '', amount = ''] = text.split(':');
  if (!isPsid(psid) || !/^[1-9]\d{0,15}$/.test(amount))
    throw new Fault('bad-input', 'A challan is given as PSID:PAISA.', { fields: { given: text } });
  return () => Promise.resolve({ psid, amountPaisa: BigInt(amount) });
}

interface Given {
  readonly api: string;
  readonly expired: (() => Promise<Payable>) | undefined;
  readonly aboveLimit: (() => Promise<Payable>) | undefined;
}

/** What can be paid on the target. The fixed PSIDs are used when the target answers the first of them. */
async function makeSandbox(given: Given, driver: ConformanceDriver): Promise<ConformanceSandbox> {
  const bill = await driver.inquire(sandboxPsid('approved')).catch(() => undefined);
  const isSandbox = bill?.approved === true && bill.amountPaisa === SANDBOX_AMOUNT;
  if (!isSandbox) progress('The target is no sandbox: rules that need fixed PSIDs are not run.');
  const fixed = forcedByFixedPsids('expired');
  const expired = given.expired ?? (isSandbox && fixed ? () => Promise.resolve(fixed) : undefined);
  const aboveLimit =
    given.aboveLimit ?? (isSandbox ? () => applyForChallan(given.api, DEAR_SALE) : undefined);
  return {
    challan: () => applyForChallan(given.api, AFFIDAVIT),
    unknownPsid: () => newPsid('101', 0, secureRandom),
    ...(expired === undefined ? {} : { expired }),
    ...(aboveLimit === undefined ? {} : { aboveLimit }),
    ...(isSandbox ? { forced: forcedByFixedPsids } : {}),
  };
}

function readRules(text: string | undefined): readonly RuleName[] {
  if (text === undefined) return CONFORMANCE_RULES;
  return text.split(',').map((name) => {
    const rule = CONFORMANCE_RULES.find((each) => each === name);
    if (rule === undefined)
      throw new Fault('bad-input', 'There is no such rule.', {
        fields: { rule: name, rules: CONFORMANCE_RULES.join(', ') },
      });
    return rule;
  });
}

async function writeReport(
  folder: string,
  report: ConformanceReport,
  run: { readonly target: string; readonly at: Date },
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const base = path.join(folder, `conformance-${report.channel}`);
  const document = { ...report, target: run.target, at: run.at.toISOString() };
  await writeFile(`${base}.json`, `${JSON.stringify(document, null, 2)}\n`);
  await writeFile(`${base}.html`, conformanceHtml(report, run));
  return [`${base}.json`, `${base}.html`];
}

function tell(report: ConformanceReport, files: readonly string[]): void {
  for (const { rule, outcome, reason } of report.rules)
    print(`${outcome.padEnd(15)} ${rule}${reason === undefined ? '' : `: ${reason}`}`);
  const counts = `${String(report.passed)} passed, ${String(report.failed)} failed, ${String(report.notRun)} not run, ${String(report.notOfChannel)} not of this channel`;
  const verdict = report.conforms ? 'conforms' : 'DOES NOT CONFORM';
  print(`${report.channel} ${verdict}: ${counts}. ${files.join(', ')}`);
}

/** True when no rule failed; with `--strict`, when none that the channel has was left out either. */
export async function conformanceCommand(argv: readonly string[]): Promise<boolean> {
  const given = commandArguments(argv, {
    json: 'boolean',
    strict: 'boolean',
    channel: 'string',
    target: 'string',
    participant: 'string',
    api: 'string',
    expired: 'string',
    'above-limit': 'string',
    rules: 'string',
    out: 'string',
  });
  const { channel, target, participant } = given;
  const isTarget = target !== undefined && /^(https?:\/\/)?[^\s:/]+:\d{1,5}$/.test(target);
  if (channel === undefined || !isTarget || participant === undefined)
    throw new Fault('bad-input', USAGE);
  if (channel === 'iso8583' && given.api === undefined)
    throw new Fault('bad-input', 'With iso8583 name the HTTP address for challans too: --api.');
  const rules = readRules(given.rules);
  const expired = readChallan(given.expired);
  const aboveLimit = readChallan(given['above-limit']);
  const api = given.api ?? (target.includes('://') ? target : `http://${target}`);
  const file = await readParticipantsFile(participant);
  const driver = await openDriver(channel, target, file);
  progress(`${String(rules.length)} rules on ${channel} at ${target} …`);
  const at = systemClock.now();
  let report: ConformanceReport;
  try {
    const sandbox = await makeSandbox({ api, expired, aboveLimit }, driver);
    report = await runConformance(driver, sandbox, rules);
  } finally {
    await driver.close().catch(() => undefined);
  }
  const files = await writeReport(given.out ?? 'conformance-report', report, { target, at });
  if (given.json) printJson({ ...report, target, files });
  else tell(report, files);
  return report.conforms && (!given.strict || report.notRun === 0);
}
