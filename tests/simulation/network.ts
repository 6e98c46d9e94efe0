/** The lines between banks and the switch: messages are lost, doubled, late and out of order, as the faults say. */
import type { FaultPlan } from './faults.ts';
import { CALM } from './faults.ts';
import type { SimulatedProcess } from './process.ts';
import type { Seeded } from './seeded.ts';
import type { World } from './world.ts';

const MILLISECOND = 1_000;

export interface Exchange<Answer> {
  readonly label: string;
  readonly patienceMs: number;
  /** Hands the message to a process; resolves with its answer. */
  readonly deliver: (process: SimulatedProcess) => Promise<Answer | undefined>;
  /** Told of every answer that the process gives, before it travels. */
  readonly given: (answer: Answer) => void;
}

export interface Reached<Answer> {
  readonly process: SimulatedProcess;
  readonly answer: Answer;
}

export class Network {
  faults: FaultPlan = CALM;
  readonly #world: World;
  readonly #random: Seeded;
  readonly #route: () => SimulatedProcess | undefined;
  readonly #count: (fault: string) => void;
  readonly #report: (problem: string) => void;

  constructor(parts: {
    readonly world: World;
    readonly random: Seeded;
    /** The process that a bank's connection leads to now. */
    readonly route: () => SimulatedProcess | undefined;
    readonly count: (fault: string) => void;
    readonly report: (problem: string) => void;
  }) {
    this.#world = parts.world;
    this.#random = parts.random;
    this.#route = parts.route;
    this.#count = parts.count;
    this.#report = parts.report;
  }

  /** Sends a message and waits for the first answer; undefined when the bank's patience ends before. */
  exchange<Answer>(exchange: Exchange<Answer>): Promise<Reached<Answer> | undefined> {
    return new Promise((resolve) => {
      const cancel = this.#world.after(exchange.patienceMs * MILLISECOND, () => {
        this.#world.note(`${exchange.label}: no answer in time`);
        resolve(undefined);
      });
      const process = this.#route();
      if (process === undefined) return;
      const arrive = (reached: Reached<Answer>): void => {
        cancel();
        resolve(reached);
      };
      this.#send(exchange, process, arrive);
      if (this.#random.chance(this.faults.doubledPerMille)) {
        this.#count('message-doubled');
        this.#send(exchange, process, arrive);
      }
    });
  }

  #send<Answer>(
    exchange: Exchange<Answer>,
    process: SimulatedProcess,
    arrive: (reached: Reached<Answer>) => void,
  ): void {
    this.#travel(
      exchange.label,
      () => {
        exchange.deliver(process).then(
          (answer) => {
            if (answer === undefined) return;
            exchange.given(answer);
            this.#travel(`the answer to ${exchange.label}`, () => {
              arrive({ process, answer });
            });
          },
          (error: unknown) => {
            this.#report(`${exchange.label} made the channel fail: ${String(error)}`);
          },
        );
      },
      process,
    );
  }

  #travel(label: string, arrive: () => void, to?: SimulatedProcess): void {
    if (this.#random.chance(this.faults.lostPerMille)) {
      this.#count('message-lost');
      this.#world.note(`network: ${label} is lost`);
      return;
    }
    const isLate = this.#random.chance(this.faults.latePerMille);
    if (isLate) this.#count('message-late');
    const ms = isLate ? this.#random.between(500, 20_000) : 0;
    this.#world.after(ms * MILLISECOND + this.#random.between(200, 8 * MILLISECOND), arrive, to);
  }
}
