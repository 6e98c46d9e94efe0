/**
 * `sanad simulator`: the other end of a channel by hand (ask for a bill, pay it, repeat, take back), and a switch that
 * breaks one named rule on purpose, for those who want to see the conformance suite find it.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../kernel/clock.ts';
import { readConfig } from '../../kernel/config.ts';
import { Fault } from '../../kernel/fault.ts';
import { secureRandom } from '../../kernel/ids.ts';
import { parsePaisa } from '../../kernel/money.ts';
import {
  breakEngine,
  ENGINE_BREAKS,
  FRONT_BREAKS,
  makeImpersonator,
  startBrokenFront,
  tellsOfBill,
  type ConformanceAnswer,
  type ConformanceDriver,
  type EngineBreak,
  type FrontBreak,
} from '../../switch/simulators/index.ts';
import { commandArguments } from '../arguments.ts';
import { printJson, progress } from '../output.ts';
import { openDriver, readParticipantsFile } from '../participants-file.ts';
import { startProduct, type Product } from '../product.ts';
import { stopSignal } from '../stop-signal.ts';
import type { Trial } from '../trial.ts';

const USAGE =
  'Usage: npx sanad simulator bank|onebill|jazzcash|easypaisa|teller inquire|pay|repeat|reverse PSID [PAISA] --target HOST:PORT --participant FILE; or npx sanad simulator broken-switch --break RULE [--http-port N] [--iso8583-port N]';

/** The simulators by the names of those they play. */
const CHANNELS: Readonly<Record<string, string>> = {
  bank: 'iso8583',
  onebill: 'onebill',
  jazzcash: 'jazzcash',
  easypaisa: 'easypaisa',
  teller: 'otc',
};

type Step = readonly [step: string, answer: ConformanceAnswer];

/** Does one thing; the steps with their answers. What is not given to pay is what the bill says. */
async function play(
  driver: ConformanceDriver,
  verb: string,
  given: { readonly psid: string; readonly amount: string | undefined },
): Promise<Step[]> {
  const { psid } = given;
  const bill = await driver.inquire(psid);
  const steps: Step[] = [['inquire', bill]];
  if (verb === 'inquire') return steps;
  const amount = given.amount === undefined ? bill.amountPaisa : parsePaisa(given.amount);
  if (amount === undefined) return steps;
  const payment = driver.prepare(psid, amount);
  steps.push(['pay', await driver.send(payment)]);
  if (verb === 'repeat') steps.push(['repeat', await driver.send(payment)]);
  if (verb === 'reverse') {
    if (driver.reverse === undefined)
      throw new Fault('bad-input', 'This channel has no reversal.', {
        fields: { channel: driver.channel },
      });
    steps.push(['reverse', await driver.reverse(payment)]);
  }
  return steps;
}

async function playChannel(
  words: readonly string[],
  given: { readonly target: string | undefined; readonly participant: string | undefined },
): Promise<boolean> {
  const [name = '', verb = '', psid, amount] = words;
  const channel = Object.hasOwn(CHANNELS, name) ? CHANNELS[name] : undefined;
  const { target, participant } = given;
  const isVerb = ['inquire', 'pay', 'repeat', 'reverse'].includes(verb);
  if (channel === undefined || !isVerb || psid === undefined) throw new Fault('bad-input', USAGE);
  if (target === undefined || participant === undefined) throw new Fault('bad-input', USAGE);
  const driver = await openDriver(channel, target, await readParticipantsFile(participant));
  try {
    const steps = await play(driver, verb, { psid, amount });
    printJson(steps.map(([step, answer]) => ({ step, ...answer, wire: undefined })));
    return steps.every(([, { approved }]) => approved);
  } finally {
    await driver.close().catch(() => undefined);
  }
}

const isEngineBreak = (name: string): name is EngineBreak => Object.hasOwn(ENGINE_BREAKS, name);
const isFrontBreak = (name: string): name is FrontBreak =>
  (FRONT_BREAKS as readonly string[]).includes(name);

/** Puts the front before a product that has started. */
function startFront(
  name: FrontBreak,
  product: Product,
  { trial, port }: { readonly trial: Trial; readonly port: number },
): ReturnType<typeof startBrokenFront> {
  const baseUrl = product.addresses?.http ?? '';
  const { privateKey, switchKey, ...easypaisa } = trial.easypaisa;
  const both = { baseUrl, clock: systemClock, random: secureRandom };
  return startBrokenFront({
    target: baseUrl,
    name,
    port,
    impersonate: makeImpersonator({
      onebill: trial.onebill,
      jazzcash: { ...trial.jazzcash, ...both },
      easypaisa: {
        ...easypaisa,
        ...both,
        privateKey: createPrivateKey(privateKey),
        switchKey: createPublicKey(switchKey),
      },
    }),
    knows: tellsOfBill,
  });
}

/** Runs a whole switch on books of its own that breaks one rule, until it is stopped. Its books are then removed. */
async function runBroken(given: {
  readonly rule: string | undefined;
  readonly httpPort: number;
  readonly iso8583Port: number;
}): Promise<boolean> {
  const { rule = '', httpPort, iso8583Port } = given;
  if (!isEngineBreak(rule) && !isFrontBreak(rule))
    throw new Fault('bad-input', 'There is no way to break that rule.', {
      fields: { rule, rules: [...Object.keys(ENGINE_BREAKS), ...FRONT_BREAKS].join(', ') },
    });
  const stopped = stopSignal();
  const dataFolder = await mkdtemp(path.join(tmpdir(), 'sanad-broken-'));
  // None of the settings of this machine: no database, chain or address of theirs is touched by a broken switch.
  const config = readConfig({});
  const hasFront = isFrontBreak(rule);
  try {
    progress('Starting a switch that is broken on purpose, on books of its own …');
    const product = await startProduct(
      { ...config, dataFolder, httpPort: hasFront ? 0 : httpPort, iso8583Port },
      'all',
      hasFront ? {} : { engine: (engine) => breakEngine(rule, engine) },
    );
    try {
      const { trial, addresses } = product;
      if (trial === undefined || addresses === undefined)
        throw new Fault('internal', 'A fresh data folder has no trial participants.');
      const front = hasFront
        ? await startFront(rule, product, { trial, port: httpPort })
        : undefined;
      printJson({
        broken: rule,
        http: front?.baseUrl ?? addresses.http,
        iso8583: addresses.iso8583,
        participants: path.join(dataFolder, 'trial.json'),
      });
      await stopped;
      await front?.stop();
    } finally {
      await product.stop();
    }
  } finally {
    await rm(dataFolder, { recursive: true, force: true });
  }
  return true;
}

/** True when every step was approved, or when a broken switch ran until it was stopped. */
export async function simulatorCommand(argv: readonly string[]): Promise<boolean> {
  const given = commandArguments(argv, {
    json: 'boolean',
    target: 'string',
    participant: 'string',
    break: 'string',
    'http-port': 'number',
    'iso8583-port': 'number',
  });
  if (given.words[0] !== 'broken-switch') return playChannel(given.words, given);
  return runBroken({
    rule: given.break,
    httpPort: given['http-port'] ?? 0,
    iso8583Port: given['iso8583-port'] ?? 0,
  });
}
