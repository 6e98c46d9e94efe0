/** What the tests of the HTTP channels stand on: an engine in memory, a directory of given participants, an opener. */
import { Writable } from 'node:stream';
import Fastify, { type FastifyInstance } from 'fastify';
import { ManualClock } from '../../kernel/clock.ts';
import { newPsid, secureRandom, type Psid } from '../../kernel/ids.ts';
import { makeLog, type Log } from '../../kernel/log.ts';
import { makeMetrics, type Metrics } from '../../kernel/metrics.ts';
import { paisa } from '../../kernel/money.ts';
import type { Participant, SecretOpener, SignerDirectory } from '../participants/index.ts';
import type {
  Bill,
  PaymentAnswer,
  PaymentRequest,
  ReversalAnswer,
  ReversalRequest,
} from '../payment/index.ts';
import { MemoryEngine } from './iso8583/memory-engine.ts';

export const PSID = '10100482911930272';
export const EXPIRED_PSID = '10100000000000013';
export const DEAR_PSID = '10100000000000021';
/** Nobody's challan, with a right check digit. */
export const UNKNOWN_PSID = '10100000000000000';
export const AMOUNT = 186_900n;
export const LIMIT = 500_000_000n;
export const PASSWORD = 'correct-horse-battery';

/** A bill of the harness. */
export function bill(psid: Psid, amount: bigint, status: Bill['status'] = 'unpaid'): Bill {
  return {
    psid,
    consumerName: 'محمد اسلم & Sons',
    status,
    amount: paisa(amount),
    dueDate: '2026-12-08',
    billedOn: '2026-11-23',
  };
}

/** Challans that a conformance run may pay, one after another. */
export const SPARE_PSIDS: readonly Psid[] = Array.from({ length: 60 }, () =>
  newPsid('101', 0, secureRandom),
);

/** The engine in memory with a limit per transaction, with suspense for advices, and true to a reversal. */
export class HarnessEngine extends MemoryEngine {
  readonly #reversed = new Set<string>();
  readonly #answered = new Set<string>();

  constructor() {
    super([
      bill(PSID, AMOUNT),
      bill(EXPIRED_PSID, AMOUNT, 'expired'),
      bill(DEAR_PSID, LIMIT + 1n),
      ...SPARE_PSIDS.map((psid) => bill(psid, AMOUNT)),
    ]);
  }

  override async reverse(request: ReversalRequest): Promise<ReversalAnswer> {
    const answer = await super.reverse(request);
    if (answer.result === 'approved') this.#reversed.add(request.originalKey);
    return answer;
  }

  override async pay(request: PaymentRequest): Promise<PaymentAnswer> {
    if (request.amount > LIMIT) {
      return { result: 'limit-exceeded', repeated: false, stampIds: [] };
    }
    if (this.#reversed.has(request.requestKey)) {
      return { result: 'reversed-before', repeated: true, stampIds: [] };
    }
    const before = this.#answered.has(request.requestKey);
    const answer = await super.pay(request);
    if (answer.result === 'approved') this.#answered.add(request.requestKey);
    if (before && answer.result === 'approved') return { ...answer, repeated: true };
    const isKept = request.advice === true && answer.result !== 'approved';
    return isKept && answer.result !== 'busy' ? { ...answer, result: 'in-suspense' } : answer;
  }
}

/** Finds the given participants by user name, with one password for all. */
export function directoryOf(participants: Readonly<Record<string, Participant>>): SignerDirectory {
  return {
    findByInstitution: () => Promise.resolve(undefined),
    findByCredentials: (username, password) =>
      Promise.resolve(password === PASSWORD ? participants[username] : undefined),
    findSigner(channel, username) {
      const found = participants[username];
      return Promise.resolve(found?.channel === channel ? found : undefined);
    },
  };
}

/** Opens what was sealed as `context:secret` in plain words; anything else is refused as the real one does. */
export const plainOpener: SecretOpener = {
  open(sealed, context) {
    if (!sealed.startsWith(`${context}:`)) throw new Error('a secret of another context');
    return Buffer.from(sealed.slice(context.length + 1));
  },
};

export interface ChannelRig {
  readonly engine: HarnessEngine;
  readonly clock: ManualClock;
  readonly metrics: Metrics;
  /** Lines of the log so far. */
  readonly logged: string[];
  readonly baseUrl: string;
  close(): Promise<void>;
}

/** Starts a Fastify server on a free port with one channel over an engine in memory. */
export async function startChannel(
  channel: (parts: {
    engine: HarnessEngine;
    clock: ManualClock;
    metrics: Metrics;
    log: Log;
  }) => (app: FastifyInstance) => Promise<void>,
): Promise<ChannelRig> {
  const logged: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged.push(chunk.toString());
      done();
    },
  });
  const parts = {
    engine: new HarnessEngine(),
    clock: new ManualClock(new Date('2026-11-23T05:15:00Z')),
    metrics: makeMetrics(false),
    log: makeLog({ level: 'info', destination }),
  };
  const app = Fastify();
  await app.register(channel(parts));
  const baseUrl = await app.listen({ host: '127.0.0.1', port: 0 });
  return { ...parts, logged, baseUrl, close: () => app.close() };
}
