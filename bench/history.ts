/**
 * `sanad bench history`: the history of the e-stamp register at scale. Loads challans, pays them, issues their
 * stamps, anchors all of it and audits it, stage by stage; writes down time, disk and memory per million and
 * what the whole history of the province would take.
 */
import { auditAll } from '../reconciliation/index.ts';
import { figure, type BenchDocument, type Figure } from './document.ts';
import { makeFolder, openBenchBooks, registerBank, removeFolder } from './harness/books.ts';
import { machineFacts } from './harness/machine.ts';
import { HistoryMaker, LOG_ORIGIN, historyBegin, stage, type StageCost } from './harness/stages.ts';
import { BANK } from './lane.ts';

export interface HistoryBenchOptions {
  readonly parent: string;
  readonly stamps: number;
  readonly settings: Readonly<Record<string, string>>;
  readonly keep: boolean;
  readonly say: (line: string) => void;
}

/** Stamps of the history that this project began with. */
const WHOLE_HISTORY = 7_910_000;

function stageFigures(cost: StageCost, stamps: number): Figure[] {
  const { name, seconds } = cost;
  const million = (value: number): number => (value * 1_000_000) / stamps;
  const one = (what: string, value: number, unit: string): Figure =>
    figure({ name: `${name}: ${what}`, value, unit });
  return [
    one('speed', stamps / seconds, 'stamps/s'),
    one('time per million', million(seconds), 's'),
    one('CPU of Node per million', million(cost.nodeCpuSeconds), 's'),
    one('CPU of PostgreSQL per million', million(cost.postgresCpuSeconds), 's'),
    one('disk per million', million(cost.diskBytes) / 1e6, 'MB'),
    one('write-ahead log per million', million(cost.walBytes) / 1e6, 'MB'),
    one('largest memory of the process (RSS)', cost.rssBytes / 1e6, 'MB'),
  ];
}

/** Straight lines: each stage is linear in the stamps, but for the depth of its indexes. */
function wholeHistory(costs: readonly StageCost[], stamps: number): Figure[] {
  const sum = (pick: (cost: StageCost) => number): number =>
    (costs.reduce((total, cost) => total + pick(cost), 0) * WHOLE_HISTORY) / stamps;
  const name = `whole history of ${String(WHOLE_HISTORY)} stamps, extrapolated`;
  return [
    figure({ name: `${name}: time`, value: sum((cost) => cost.seconds) / 60, unit: 'min' }),
    figure({ name: `${name}: disk`, value: sum((cost) => cost.diskBytes) / 1e9, unit: 'GB' }),
  ];
}

/** Runs the benchmark. */
export async function benchHistory(options: HistoryBenchOptions): Promise<BenchDocument> {
  const { stamps, say } = options;
  const folder = await makeFolder(options.parent);
  try {
    const books = await openBenchBooks(folder, {
      settings: options.settings,
      from: historyBegin(),
    });
    try {
      const { database } = books;
      const machine = await machineFacts(database, folder);
      await registerBank(database, books.ids, BANK);
      const history = new HistoryMaker(books, say);
      const costs: StageCost[] = [];
      const run = async (name: string, work: () => Promise<void>): Promise<void> => {
        say(`${name} …`);
        const cost = await stage(books, name, work);
        say(`${name}: ${cost.seconds.toFixed(1)} s`);
        costs.push(cost);
      };
      await run('load', () => history.load(0, stamps, stamps));
      await run('pay and issue', () => history.pay(0, stamps, stamps));
      await run('anchor', () => history.anchor());
      await database.script('vacuum analyze');
      const broken: string[] = [];
      await run('audit', async () => {
        const report = await auditAll(database, {
          logPublicKey: history.logPublicKey,
          origin: LOG_ORIGIN,
        });
        broken.push(...report.brokenInvariants.map((each) => `${each.invariant}: ${each.rule}`));
        broken.push(...report.alteredFacts.slice(0, 3).map((each) => `altered facts: ${each}`));
        broken.push(...report.log.findings.slice(0, 3).map((each) => `log: ${each.message}`));
        if (!report.ok && broken.length === 0) broken.push('the audit found something');
        // Two challans are made the ordinary way and stay unpaid: they open the treasury's accounts.
        if (report.counts.stamps !== String(stamps))
          broken.push(`the audit counted ${report.counts.stamps} stamps`);
      });
      return {
        bench: 'history',
        machine,
        notes: [
          `${String(stamps)} stamps dated over a year: challans in bulk, payments through the lane (2,000 at a time), leaves through the anchoring worker on the embedded chain, then the whole audit`,
          'PostgreSQL keeps its shared buffers beside the memory of the process',
        ],
        figures: [
          ...costs.flatMap((cost) => stageFigures(cost, stamps)),
          ...wholeHistory(costs, stamps),
        ],
        invariants: broken.length === 0 ? 'ok' : broken,
      };
    } finally {
      await books.close();
    }
  } finally {
    if (!options.keep) await removeFolder(folder);
  }
}
