/**
 * `sanad bench iso8583`: how many ISO 8583 messages a second one thread unpacks and packs. The message is the 0200
 * with 21 fields and 294 bytes by which the peers were measured. Rounds of the codec and of the baseline take turns,
 * so that a disturbance of the machine meets both; the best round of each counts, since noise only ever slows.
 */
import os from 'node:os';
import { pack, SPECS, unpack, type IsoMessage, type MessageSpec } from '../switch/index.ts';
import { figure, type BenchDocument, type Figure, type Measure } from './document.ts';
import { machineWithoutDatabase } from './harness/machine.ts';

export interface CodecBenchOptions {
  /** Measured seconds in all. */
  readonly seconds: number;
  readonly say: (line: string) => void;
}

/**
 * unpack + pack of moov-io/iso8583 (Go, one thread) of a 0200 with 21 fields, in messages a second, measured on a
 * machine of the same kind (docs/architecture.md, decision 7). The goal is twice this.
 */
const PEER_PER_SECOND = 111_000;

const ROUND_MS = 25;
const FIELDS: readonly (readonly [number, string])[] = [
  [2, '4000340000000506'],
  [3, '500000'],
  [4, '000000186900'],
  [7, '1123204503'],
  [11, '000003'],
  [12, '014503'],
  [13, '1124'],
  [14, '2912'],
  [15, '1124'],
  [18, '6011'],
  [22, '051'],
  [25, '00'],
  [32, '62710012345'],
  [35, '4000340000000506=29122010000000000000'],
  [37, '632720000003'],
  [41, 'ATM00001'],
  [42, 'BRANCH000000001'],
  [43, 'SIMULATED TERMINAL       LAHORE       PK'],
  [48, 'SANAD   10100123456789012       GOVERNMENT DUES 11-26'],
  [49, '586'],
  [120, 'PUNJAB'],
];

/** Does `work` for about `milliseconds` and says how many times a second it was done. */
function rate(work: () => void, milliseconds: number): number {
  const began = performance.now();
  let count = 0;
  let elapsed = 0;
  while (elapsed < milliseconds) {
    for (let index = 0; index < 500; index += 1) work();
    count += 500;
    elapsed = performance.now() - began;
  }
  return (count * 1_000) / elapsed;
}

interface Subject {
  readonly name: string;
  readonly work: () => void;
  best: number;
}

function subjects(): {
  readonly all: Subject[];
  readonly bytes: number;
  readonly broken: string[];
} {
  const broken: string[] = [];
  const all: Subject[] = [];
  let length = 0;
  const message: IsoMessage = { mti: '0200', fields: new Map(FIELDS) };
  const add = (name: string, spec: MessageSpec): void => {
    const bytes = pack(spec, message);
    if (name === 'iso87-ascii') length = bytes.length;
    const isSame = pack(spec, unpack(spec, bytes)).equals(bytes);
    if (!isSame) broken.push(`${name}: what was unpacked did not pack to the same bytes`);
    all.push({ name: `${name}, unpack`, work: () => void unpack(spec, bytes), best: 0 });
    all.push({
      name: `${name}, unpack + pack`,
      work: () => void pack(spec, unpack(spec, bytes)),
      best: 0,
    });
  };
  add('iso87-ascii', SPECS['iso87-ascii']);
  add('iso87-bcd', SPECS['iso87-bcd']);
  const json = JSON.stringify({ mti: message.mti, fields: Object.fromEntries(FIELDS) });
  all.push({
    name: 'JSON.parse + JSON.stringify of the same fields',
    work: () => void JSON.stringify(JSON.parse(json)),
    best: 0,
  });
  return { all, bytes: length, broken };
}

/** Runs the benchmark. Needs no database. */
export function benchCodec(options: CodecBenchOptions): Promise<BenchDocument> {
  const [loadBefore = 0] = os.loadavg();
  const { all, bytes, broken } = subjects();
  for (const { work } of all) rate(work, 200);
  // Short rounds: on a machine that others use too, some of them are left alone.
  const rounds = Math.max(Math.floor((options.seconds * 1_000) / (ROUND_MS * all.length)), 10);
  for (let round = 0; round < rounds; round += 1) {
    for (const subject of all) subject.best = Math.max(subject.best, rate(subject.work, ROUND_MS));
    if (round % 20 === 0) options.say(`round ${String(round + 1)} of ${String(rounds)}`);
  }
  const json = all.at(-1);
  const baseline: Measure = { name: json?.name ?? '', value: json?.best ?? 0, unit: '1/s' };
  const figures: Figure[] = all
    .slice(0, -1)
    .map(({ name, best }) =>
      figure(
        { name, value: best, unit: '1/s' },
        name === 'iso87-ascii, unpack + pack'
          ? { baseline, goal: { atLeast: 2 * PEER_PER_SECOND } }
          : { baseline },
      ),
    );
  return Promise.resolve({
    bench: 'iso8583',
    machine: machineWithoutDatabase(loadBefore),
    notes: [
      `one thread; a 0200 of ${String(FIELDS.length)} fields and ${String(bytes)} bytes in ASCII; best of ${String(rounds)} rounds that take turns with the baseline`,
      `the goal is twice the ${String(PEER_PER_SECOND)}/s of moov-io/iso8583 in Go on one thread, which is not run here; the baseline of this run is the JSON of Node, native code over the same fields with no checks`,
    ],
    figures,
    invariants: broken.length === 0 ? 'ok' : broken,
  });
}
