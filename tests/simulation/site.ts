/** Where the processes run: who is alive, whom a bank's connection leads to, and what befalls them. */
import type { FaultPlan } from './faults.ts';
import { describeError } from './model.ts';
import { SimulatedProcess, type LaneSettings } from './process.ts';
import type { Seeded } from './seeded.ts';
import type { SimulatedServer } from './server.ts';
import type { World } from './world.ts';

export interface SiteParts {
  readonly world: World;
  readonly server: SimulatedServer;
  readonly random: Seeded;
  readonly shard: number;
  readonly settings: LaneSettings;
  readonly report: (problem: string) => void;
  readonly count: (fault: string) => void;
}

const SECOND = 1_000_000;
const DAY_MS = 86_400_000;

export class Site {
  readonly #parts: SiteParts;
  #processes: SimulatedProcess[] = [];
  readonly #ready = new Set<SimulatedProcess>();
  #started = 0;

  constructor(parts: SiteParts) {
    this.#parts = parts;
  }

  get processes(): readonly SimulatedProcess[] {
    return this.#processes;
  }

  /** The process that may post now, if one may. */
  get leader(): SimulatedProcess | undefined {
    return this.#processes.find((process) => process.alive && process.lane.leads);
  }

  /** Where a message goes: mostly to the newest process that leads, now and then to another that still lives. */
  route(): SimulatedProcess | undefined {
    const living = this.#processes.filter((process) => process.alive);
    if (living.length > 1 && this.#parts.random.chance(250)) return this.#parts.random.pick(living);
    return living.findLast((process) => process.lane.leads) ?? living.at(-1);
  }

  get #isStarting(): boolean {
    return this.#processes.some((process) => process.alive && !this.#ready.has(process));
  }

  /** Starts a process at a place where none lives. */
  start(place: number): void {
    const { world, server, random, shard, settings, report } = this.#parts;
    this.#started += 1;
    const process = new SimulatedProcess({
      name: `process ${String(this.#started)}`,
      place,
      // With the name that its place had before, it takes an unexpired lease over at once.
      holder: random.chance(500)
        ? `place ${String(place)}`
        : `${String(place)}/${String(this.#started)}`,
      shard,
      world,
      server,
      random: random.stream(`process ${String(this.#started)}`),
      settings,
      report,
    });
    this.#processes = [...this.#processes.filter((each) => each.alive), process];
    world.note(`${process.name}: starts at place ${String(place)}`);
    process.lane.start().then(
      () => {
        this.#ready.add(process);
        world.note(`${process.name}: leads the lane`);
      },
      (error: unknown) => {
        world.note(`${process.name}: cannot start: ${describeError(error)}`);
        process.die();
        this.#startLater();
      },
    );
  }

  /** One second's weather. */
  weather(plan: FaultPlan): void {
    const { world, server, random, count } = this.#parts;
    const kind = random.weighted(plan.weather);
    const victim = this.route();
    if (kind === 'none' || victim === undefined) return;
    count(kind);
    switch (kind) {
      case 'crash':
        this.#crash(victim);
        return;
      case 'restart':
        void this.stop(victim).then(() => {
          this.#startLater();
        });
        return;
      case 'takeover':
        // The old one hangs longer than its lease, mostly; then both are there.
        if (this.#isStarting) return;
        if (random.chance(800)) this.#stall(victim, random.between(11, 25) * SECOND);
        this.start(this.#freePlace());
        return;
      case 'stall':
        this.#stall(victim, random.between(1, 80) * (SECOND / 10));
        return;
      case 'outage':
        server.awayUntil = world.now + random.between(1, 400) * (SECOND / 10);
        world.note('database: goes away');
        return;
      case 'clock-jump': {
        const isFar = random.chance(100);
        const ms = isFar ? random.pick([DAY_MS, -DAY_MS]) : random.between(-5_000, 5_000);
        victim.skewMs += ms;
        server.clocksDiffer = true;
        world.note(`${victim.name}: its clock jumps by ${String(ms)} ms`);
        return;
      }
    }
  }

  /** Ends a process as an operator does: what waits is answered first. */
  async stop(process: SimulatedProcess): Promise<void> {
    this.#parts.world.note(`${process.name}: is stopped`);
    try {
      await process.lane.stop();
    } catch (error) {
      this.#parts.world.note(
        `${process.name}: could not give its lease back: ${describeError(error)}`,
      );
    }
    process.die();
  }

  /** Ends every stall and clock difference and sees to it that one process leads, alone; call it until one does. */
  heal(): void {
    const { leader } = this;
    for (const process of this.#processes) {
      process.stalledUntil = 0;
      process.skewMs = 0;
      if (leader !== undefined && process !== leader && process.alive) process.die();
    }
    if (!this.#isStarting && this.#processes.every((process) => !process.alive)) this.start(0);
  }

  #freePlace(): number {
    const taken = this.#processes.filter((each) => each.alive).map((each) => each.place);
    return this.#parts.random.pick([0, 1, 2, 3].filter((place) => !taken.includes(place)));
  }

  #crash(process: SimulatedProcess): void {
    process.die();
    this.#startLater();
  }

  #stall(process: SimulatedProcess, microseconds: number): void {
    process.stalledUntil = this.#parts.world.now + microseconds;
    this.#parts.world.note(`${process.name}: hangs for ${String(microseconds / 1_000)} ms`);
  }

  /** A supervisor starts a process again, at the same place or at another. */
  #startLater(): void {
    const { world, random } = this.#parts;
    world.after(random.between(0, 50) * (SECOND / 10), () => {
      const lives = this.#processes.some((process) => process.alive);
      if (!lives && !this.#isStarting) this.start(random.pick([0, 0, 1]));
    });
  }
}
