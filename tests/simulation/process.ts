/**
 * One process of the switch: the product's lane, engine, participants' directory and channels over the simulated
 * database, clock and timers. It can be stalled, and it can die between any two events.
 */
import { IdMaker } from '../../kernel/ids.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Database } from '../../kernel/database.ts';
import { makeLog, type Log } from '../../kernel/log.ts';
import { makeMetrics } from '../../kernel/metrics.ts';
import { makeEngine, PostingLane, type PaymentEngine } from '../../reconciliation/index.ts';
import { parseBillPayment } from '../../switch/channels/onebill/codec.ts';
import { fromPaymentAnswer, toPaymentRequest } from '../../switch/channels/onebill/to-payment.ts';
import { makeParticipantDirectory, type Participant } from '../../switch/index.ts';
import { IsoLine } from './iso-line.ts';
import type { Seeded } from './seeded.ts';
import type { SimulatedServer } from './server.ts';
import type { Owner, World } from './world.ts';

/** How the lanes of a history are set; small numbers make queues overflow and patience end. */
export interface LaneSettings {
  readonly queueMax: number;
  readonly batchMax: number;
  readonly patienceMs: number;
  readonly leaseMs: number;
}

export interface ProcessParts {
  readonly name: string;
  /** The lease's holder; a process that is started again in its place has the same. */
  readonly holder: string;
  /** The machine that it runs on; the node of its row ids. */
  readonly place: number;
  readonly shard: number;
  readonly world: World;
  readonly server: SimulatedServer;
  readonly random: Seeded;
  readonly settings: LaneSettings;
  readonly report: (problem: string) => void;
}

/** One for all: a registry for each process of each history would cost more than the history. */
const metrics = makeMetrics(false);

export class SimulatedProcess implements Owner {
  readonly name: string;
  readonly place: number;
  alive = true;
  stalledUntil = 0;
  /** How far its clock is from the world's, in ms. */
  skewMs = 0;
  readonly lane: PostingLane;
  readonly engine: PaymentEngine;
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: IdMaker;
  readonly #parts: ProcessParts;
  readonly #isoLine: IsoLine;

  constructor(parts: ProcessParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.place = parts.place;
    const { world, server, random, shard } = parts;
    this.clock = { now: () => new Date(world.clock.now().getTime() + this.skewMs) };
    this.ids = new IdMaker(this.clock, parts.place);
    this.database = server.databaseOf(this);
    const log = this.#makeLog();
    this.lane = new PostingLane({
      shard,
      database: this.database,
      clock: this.clock,
      ids: this.ids,
      random,
      timers: world.timersOf(this),
      log,
      metrics,
      holder: parts.holder,
      ...parts.settings,
    });
    const { database, clock } = this;
    this.engine = makeEngine({ database, clock, lanes: new Map([[shard, this.lane]]) });
    const directory = makeParticipantDirectory(database, { clock, random, log });
    this.#isoLine = new IsoLine({ engine: this.engine, directory, clock, log });
  }

  /** Ends at once: nothing that it waits for comes any more, and its connections are gone. */
  die(): void {
    this.alive = false;
    this.#parts.world.note(`${this.name}: dies`);
  }

  /** Takes a message of a bank's ISO 8583 line and returns the answer's bytes, if it takes one. */
  receiveIso(institution: string, bytes: Buffer): Promise<Buffer | undefined> {
    return this.#isoLine.receive(institution, bytes);
  }

  /** Takes the body of a BillPayment whose sender is authenticated, and returns the body of the answer. */
  async receiveOneBill(participant: Participant, body: string): Promise<string | undefined> {
    const request = parseBillPayment(body);
    if ('malformed' in request)
      return JSON.stringify(fromPaymentAnswer({ result: 'format-error' }, participant));
    const answer = await this.engine.pay(toPaymentRequest(request, participant));
    return JSON.stringify(fromPaymentAnswer(answer, participant));
  }

  /** Warnings and errors go to the trace; what the lane calls unexpected is a finding. */
  #makeLog(): Log {
    const { world, report } = this.#parts;
    return makeLog({
      level: 'warn',
      destination: {
        write: (line: string) => {
          const { msg } = JSON.parse(line) as { msg: string };
          world.note(`${this.name}: ${msg}`);
          if (msg === 'the lane failed unexpectedly') report(`${this.name}: ${msg}: ${line}`);
        },
      },
    });
  }
}
