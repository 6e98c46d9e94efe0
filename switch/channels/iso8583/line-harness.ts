/** A line over the engine in memory with one registered bank and its simulator, for the channel's tests only. */
import { setTimeout as sleep } from 'node:timers/promises';
import { checkDigit } from '../../../kernel/check-digit.ts';
import { ManualClock } from '../../../kernel/clock.ts';
import { makeLog, type Log } from '../../../kernel/log.ts';
import { makeMetrics, type Metrics } from '../../../kernel/metrics.ts';
import { paisa } from '../../../kernel/money.ts';
import type { Bill } from '../../payment/index.ts';
import {
  connectBankSwitch,
  type BankAnswer,
  type BankSwitch,
  type BankSwitchOptions,
  type Exchange,
} from '../../simulators/bank-switch/index.ts';
import { makeSecretBox, type SecretBox } from './key-sealing.ts';
import { macKeyContext } from './line-settings.ts';
import { startIso8583Listener, type Iso8583Listener } from './listener.ts';
import type { Iso8583Limits } from './limits.ts';
import type { LineOptions } from './line.ts';
import { MemoryEngine } from './memory-engine.ts';
import type { Iso8583Participant } from './session.ts';
import type { Iso8583Tls } from './tls.ts';

const psid = (body: string): string => body + checkDigit(body);
export const UNPAID = psid('1010000000000001');
export const OTHER = psid('1010000000000002');
export const UNKNOWN = psid('1010000000000009');
export const AMOUNT = 186_900n;
export const INSTITUTION = '627100';

const bill = (number: string): Bill => ({
  psid: number,
  consumerName: 'Muhammad Khan',
  status: 'unpaid',
  amount: paisa(AMOUNT),
  dueDate: '2026-12-01',
  billedOn: '2026-11-23',
});

/** Waits until a condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

/** The answer of an exchange, which must have one. */
export function answered(exchange: Exchange): BankAnswer {
  if (!exchange.answered) throw new Error(`No answer: ${exchange.reason}`);
  return exchange;
}

export interface HarnessOptions extends Partial<
  Pick<LineOptions, 'profile' | 'cutovers' | 'onLateAnswer'>
> {
  readonly limits?: Partial<Iso8583Limits>;
  readonly tls?: Iso8583Tls;
}

export class LineHarness {
  readonly clock = new ManualClock(new Date('2026-11-23T20:45:00Z'));
  readonly metrics: Metrics = makeMetrics(false);
  readonly engine = new MemoryEngine([bill(UNPAID), bill(OTHER)]);
  readonly register = new Map<string, Iso8583Participant>([
    [INSTITUTION, { code: 'BOP', name: 'Bank of Punjab', active: true }],
  ]);
  readonly box: SecretBox = makeSecretBox([{ id: 'test', key: Buffer.alloc(32, 5) }], {
    digits: (count) => '7'.repeat(count),
    bytes: (count) => Buffer.alloc(count, 9),
  });
  readonly #banks: BankSwitch[] = [];
  readonly #listeners: Iso8583Listener[] = [];
  logged = '';

  get log(): Log {
    const write = (line: string): void => {
      this.logged += line;
    };
    return makeLog({ level: 'debug', destination: { write } });
  }

  /** Starts a listener, on a free port unless one is named. */
  async start(options: HarnessOptions = {}, port = 0): Promise<Iso8583Listener> {
    const { limits, ...rest } = options;
    const listener = await startIso8583Listener({
      host: '127.0.0.1',
      port,
      engine: this.engine,
      participants: { findByInstitution: (id) => Promise.resolve(this.register.get(id)) },
      clock: this.clock,
      log: this.log,
      metrics: this.metrics,
      box: this.box,
      limits: { sweepMs: 20, ...limits },
      ...rest,
    });
    this.#listeners.push(listener);
    return listener;
  }

  /** Connects a bank's switch to the last listener. */
  async bank(options: Partial<BankSwitchOptions> = {}): Promise<BankSwitch> {
    const client = await connectBankSwitch({
      host: '127.0.0.1',
      port: this.#listeners.at(-1)?.port ?? 0,
      institutionId: INSTITUTION,
      terminalId: 'ATM00001',
      clock: this.clock,
      random: { digits: (count) => '7'.repeat(count), bytes: (count) => Buffer.alloc(count) },
      timeoutMs: 20_000,
      ...options,
    });
    this.#banks.push(client);
    return client;
  }

  /** Gives the bank's registration these ISO 8583 settings. */
  setSettings(iso8583: Record<string, unknown>): void {
    this.register.set(INSTITUTION, {
      code: 'BOP',
      name: 'Bank of Punjab',
      active: true,
      settings: { iso8583 },
    });
  }

  /** A MAC key in its sealed form, for `setSettings`. */
  sealedKey(key: Buffer): string {
    return this.box.seal(key, macKeyContext('BOP'));
  }

  /** How many refusals of a reason were counted. */
  async refusals(reason: string): Promise<number> {
    const metric = this.metrics.registry.getSingleMetric('sanad_iso8583_refusals_total');
    const values = (await metric?.get())?.values ?? [];
    return values.find(({ labels }) => labels['reason'] === reason)?.value ?? 0;
  }

  /** Closes everything that was opened. */
  async stop(): Promise<void> {
    this.engine.mood = 'well';
    this.engine.release();
    await Promise.all(this.#banks.map((bank) => bank.close()));
    await Promise.all(this.#listeners.map((listener) => listener.stop()));
  }
}
