/**
 * Anchoring on a real Fabric network: starts one from the programs in FABRIC_BIN, deploys the contract, runs the
 * conformance suite of every chain, kills each node and the product's worker while batches are on their way, and
 * measures. Without FABRIC_BIN it says so and is green.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  figure,
  type BenchDocument,
  type Figure,
  type Goal,
  type RecordedDocument,
} from '../../bench/document.ts';
import { openBenchBooks } from '../../bench/harness/books.ts';
import { machineFacts } from '../../bench/harness/machine.ts';
import { anchorChainConformance } from '../../reconciliation/anchoring/conformance.ts';
import type { FabricChain } from '../../reconciliation/anchoring/adapters/fabric-gateway.ts';
import { ORIGIN, TestNetwork } from './network.ts';
import { runProduct } from './product.ts';
import { Sender } from './sender.ts';

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function conform(network: TestNetwork): Promise<void> {
  const nameOf = (index: number): string => `case-${String(index)}`;
  await network.deploy(anchorChainConformance.map((_, index) => nameOf(index)).join());
  for (const [index, { name, run }] of anchorChainConformance.entries()) {
    const chaincode = nameOf(index);
    const opened: FabricChain[] = [];
    const open = async (): Promise<FabricChain> => {
      const chain = await network.open(chaincode);
      opened.push(chain);
      return chain;
    };
    try {
      const chain = await open();
      await run({ chain, logPublicKey: network.logKeys.publicKey, origin: ORIGIN, reopen: open });
      say(`  ok ${name}`);
    } finally {
      for (const chain of opened) chain.close();
    }
  }
}

/** Each node is killed once while batches of 4,000 leaves are on their way, and started again; then an upgrade. */
async function survive(network: TestNetwork): Promise<Figure[]> {
  await network.deploy('kills');
  const chain = await network.open('kills');
  const figures: Figure[] = [];
  try {
    const sender = new Sender(chain);
    for (const node of network.nodes) {
      const sending = sender.send(4_000, 14);
      // A failure is told when it is awaited below.
      sending.catch(() => undefined);
      await sleep(3_000);
      await network.kill(node);
      await sleep(1_000);
      await network.start();
      const { leaves, retries, longestGapMs } = await sending;
      await sender.check();
      say(
        `  ${node} killed: ${String(leaves)} leaves, ${String(retries)} retries, longest gap ${(longestGapMs / 1_000).toFixed(1)} s`,
      );
      figures.push(
        figure({ name: `longest gap when ${node} is killed`, value: longestGapMs, unit: 'ms' }),
      );
    }
    await network.upgrade('kills');
    await sender.send(4_000, 2);
    await sender.check();
    say('  upgraded, and the log goes on');
  } finally {
    chain.close();
  }
  return figures;
}

const ENDS = 10_000;
const ENDS_PER_BATCH = 2_500;

/**
 * Ends the lives of stamps that were issued one after the other, and of stamps from all over the log (`issued` stamps
 * were sent): every event is checked against its issue, so each batch of the latter reads most of the log.
 */
async function endLives(
  sender: Sender,
  issued: number,
  perIssueBatch: number,
  goal: { readonly goal?: Goal },
): Promise<Figure[]> {
  const step = Math.floor((issued - ENDS) / ENDS);
  const batches = ENDS / ENDS_PER_BATCH;
  const kinds = [
    { name: 'neighbours', stampOf: (at: number) => at },
    {
      name: 'all over the log',
      // Each batch takes every fourth of the chosen stamps, so that it spans the log.
      stampOf: (at: number) =>
        ENDS + step * ((at % ENDS_PER_BATCH) * batches + Math.floor(at / ENDS_PER_BATCH)),
    },
  ];
  const figures: Figure[] = [];
  for (const { name, stampOf } of kinds) {
    const stamps = Array.from({ length: ENDS }, (_, at) => BigInt(stampOf(at) * 2 + 1));
    const report = await sender.end(stamps, ENDS_PER_BATCH, BigInt(perIssueBatch));
    await sender.check();
    const events = report.leaves / report.seconds;
    say(
      `  once-only events, ${name}: ${events.toFixed(0)}/s, a batch of 2,500 in ${report.p50Ms.toFixed(0)} ms`,
    );
    figures.push(
      figure(
        { name: `once-only events, 2,500 a batch, ${name}`, value: events, unit: 'events/s' },
        goal,
      ),
    );
  }
  return figures;
}

async function measure(network: TestNetwork, seconds: number): Promise<Figure[]> {
  // The goals are those of a network of two organisations on one machine.
  const goalOf = (atLeast: number): { goal?: { atLeast: number } } =>
    network.isSmall ? { goal: { atLeast } } : {};
  const figures: Figure[] = [];
  for (const leaves of [1_000, 5_000, 20_000]) {
    const chaincode = `speed-${String(leaves)}`;
    await network.deploy(chaincode);
    const chain = await network.open(chaincode);
    try {
      const sender = new Sender(chain);
      await sender.send(leaves, 2);
      const report = await sender.send(leaves, seconds);
      await sender.check();
      if (leaves === 5_000)
        figures.push(...(await endLives(sender, report.leaves / 2, leaves, goalOf(2_000))));
      const stamps = report.leaves / 2 / report.seconds;
      say(
        `  ${String(leaves)} leaves a batch: ${stamps.toFixed(0)} stamps/s, p50 ${report.p50Ms.toFixed(0)} ms`,
      );
      figures.push(
        figure(
          {
            name: `stamps anchored, ${String(leaves)} leaves a batch, one after the other`,
            value: stamps,
            unit: 'stamps/s',
          },
          leaves === 20_000 ? goalOf(20_000) : {},
        ),
        figure({
          name: `a batch of ${String(leaves)} leaves: p50`,
          value: report.p50Ms,
          unit: 'ms',
        }),
      );
    } finally {
      chain.close();
    }
  }
  return figures;
}

async function runAll(
  network: TestNetwork,
  folder: string,
  seconds: number,
): Promise<Omit<BenchDocument, 'bench'>> {
  const figures: Figure[] = [];
  const books = await openBenchBooks(path.join(folder, 'facts'));
  const machine = await machineFacts(books.database, folder);
  await books.close();
  try {
    say('starting the network …');
    await network.start();
    say('conformance:');
    await conform(network);
    say('kill -9 of each node while batches are on their way:');
    figures.push(...(await survive(network)));
    say('the product, its worker killed three times:');
    await network.deploy('product');
    const killed = await runProduct({
      folder: path.join(folder, 'killed'),
      fabric: network.environment('product'),
      rate: 200,
      seconds: 20,
      kills: 3,
    });
    say(`  ${String(killed.payments)} payments, all in the log once; the audit found nothing`);
    say('the product at 1,000 stamps a second:');
    await network.deploy('steady');
    const steady = await runProduct({
      folder: path.join(folder, 'steady'),
      fabric: network.environment('steady'),
      rate: 1_000,
      seconds,
      kills: 0,
    });
    say(
      `  a stamp waited ${(steady.p99Ms / 1_000).toFixed(1)} s for the log (p99), at most ${(steady.slowestMs / 1_000).toFixed(1)} s`,
    );
    figures.push(
      figure(
        {
          name: 'from issue to confirmed commit at 1,000 stamps/s: p99',
          value: steady.p99Ms,
          unit: 'ms',
        },
        { goal: { below: 3_000 } },
      ),
    );
    figures.push(
      figure({
        name: 'from issue to confirmed commit at 1,000 stamps/s: slowest',
        value: steady.slowestMs,
        unit: 'ms',
      }),
    );
    say('speed:');
    figures.push(...(await measure(network, seconds)));
  } catch (error) {
    say(`FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    for (const node of network.nodes)
      say(`--- ${node}\n${await network.lastWords(node).catch(() => '(no log)')}`);
    throw error;
  } finally {
    await network.stop();
  }
  return {
    machine,
    notes: [
      `Fabric ${await network.version()}, native, ${network.description}; TLS everywhere, contract as a service, all on this machine`,
      'batches: timed are hashing and bringing each into the log, not making up its entries',
      'a stamp is two leaves, its payment and its issue; kills are SIGKILL, a second before the node is started again',
    ],
    figures,
    invariants: 'ok',
  };
}

/** Runs everything; true when all of it held. */
export async function main(argv: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      data: { type: 'string', default: os.tmpdir() },
      out: { type: 'string' },
      profile: { type: 'string', default: 'small' },
      seconds: { type: 'string', default: '10' },
    },
  });
  const bin = process.env['FABRIC_BIN'];
  if (bin === undefined || bin === '') {
    say(
      'Skipped: FABRIC_BIN does not name a folder with peer, orderer, configtxgen, cryptogen and osnadmin (network-config/fabric/README.md).',
    );
    return true;
  }
  await mkdir(values.data, { recursive: true });
  const folder = await mkdtemp(path.join(values.data, 'sanad-fabric-'));
  const { profile } = values;
  const network = new TestNetwork(profile, path.join(folder, 'network'), path.resolve(bin));
  const document = await runAll(network, folder, Number(values.seconds));
  await rm(folder, { recursive: true, force: true });
  if (values.out !== undefined) {
    const recorded: RecordedDocument = {
      bench: profile === 'small' ? 'fabric' : `fabric-${profile}`,
      ...document,
      command: 'FABRIC_BIN=/opt/fabric/bin npm run test:fabric --',
      arguments: ['--profile', profile, '--seconds', values.seconds],
    };
    await writeFile(values.out, `${JSON.stringify(recorded, null, 2)}\n`);
  }
  for (const { name, value, unit, met } of document.figures)
    say(`${name}: ${value.toFixed(0)} ${unit}${met === false ? ' (goal missed)' : ''}`);
  return true;
}
