/**
 * A stamp vendor with a float: pays in and draws out, reserves for a challan, pays with the hold, changes his mind,
 * lets a hold expire. He speaks to the engine and the ledger directly, over the same faulty lines as the banks.
 */
import { paisa } from '../../kernel/money.ts';
import { expireHolds, postEntry, reserveHold, voidHold } from '../../ledger/index.ts';
import type { PaymentAnswer } from '../../reconciliation/index.ts';
import { describeError } from './model.ts';
import { isDecided, type Asked, type BankMemory, type WireAnswer } from './memory.ts';
import type { Network } from './network.ts';
import type { SimulatedProcess } from './process.ts';
import type { Seeded } from './seeded.ts';
import type { World } from './world.ts';

export const VENDOR = 'VENDOR';
export const FLOAT = 'vendor:L-7:float';
const BANK_ACCOUNT = 'bank:collection';

export interface VendorParts {
  readonly world: World;
  readonly network: Network;
  readonly memory: BankMemory;
  readonly random: Seeded;
  readonly shard: number;
  readonly report: (problem: string) => void;
}

const ATTEMPTS = 6;

export class Vendor {
  readonly #parts: VendorParts;
  /** What each key of his was answered: a repeat must be answered the same. */
  readonly #answers = new Map<string, string>();
  #keys = 0;

  constructor(parts: VendorParts) {
    this.#parts = parts;
  }

  /** Buys the stamps of a challan from the float, in one of the ways that this can go. */
  async buy(psid: string, amount: bigint, startMs: number): Promise<void> {
    const { world, random } = this.#parts;
    await world.sleep(startMs);
    if (random.chance(700)) await this.#move(amount + BigInt(random.between(0, 500)), 'in');
    const course = random.weighted({
      pay: 60,
      void: 10,
      expire: 10,
      'pay-twice': 15,
      'too-small': 5,
    });
    const reserved = course === 'too-small' ? amount - 1n : amount + BigInt(random.between(0, 1));
    const lifeMs = course === 'expire' ? random.between(500, 3_000) : 600_000;
    const hold = await this.#reserve(reserved, lifeMs);
    if (hold === undefined) return;
    if (course === 'void') {
      await this.#void(hold);
      if (random.chance(500)) return;
    }
    if (course === 'expire') await world.sleep(random.between(0, 6_000));
    const payment = this.#payment(psid, amount, hold);
    const twin = course === 'pay-twice' ? this.#payment(psid, amount, hold) : undefined;
    await Promise.all([this.#insist(payment), twin === undefined ? undefined : this.#insist(twin)]);
    if (random.chance(300)) await this.#void(hold);
    if (random.chance(200)) await this.#move(BigInt(random.between(1, 2_000)) * 100n, 'out');
  }

  /** The prefunding of a participant, paid in through the same door; it widens a net debit cap. */
  async fund(participant: string, startMs: number): Promise<void> {
    const { world, random } = this.#parts;
    await world.sleep(startMs);
    const path = `participant:${participant}:prefunding`;
    await this.#move(BigInt(random.between(500, 4_000)) * 100n, 'in', path);
    if (random.chance(300)) await this.#move(BigInt(random.between(1, 3_000)) * 100n, 'out', path);
  }

  /** The product's sweep: frees what has expired. */
  async sweep(): Promise<void> {
    const { shard } = this.#parts;
    await this.#tell('the sweep', (process) =>
      expireHolds(process.database, shard, process.clock.now()).then(String),
    );
  }

  #key(): string {
    this.#keys += 1;
    return `V${String(this.#keys).padStart(5, '0')}`;
  }

  /** Pays into a guarded account, or draws out of it. */
  async #move(amount: bigint, way: 'in' | 'out', path = FLOAT): Promise<void> {
    const key = this.#key();
    const sides = way === 'in' ? (['D', 'C'] as const) : (['C', 'D'] as const);
    await this.#ask(`${way} ${key}`, async (process) => {
      const { result } = await postEntry(process.database, {
        shard: this.#parts.shard,
        journalId: process.ids.next(),
        at: process.clock.now(),
        owner: VENDOR,
        requestKey: key,
        kind: 'funding',
        description: `money ${way}`,
        lines: [
          { path: BANK_ACCOUNT, side: sides[0], amount: paisa(amount) },
          { path, side: sides[1], amount: paisa(amount) },
        ],
      });
      // Nothing is recorded of a refusal, so the next attempt may go otherwise.
      return result === 'insufficient-funds' ? undefined : result;
    });
  }

  async #reserve(amount: bigint, lifeMs: number): Promise<bigint | undefined> {
    const key = this.#key();
    const until = new Date(this.#parts.world.clock.now().getTime() + lifeMs);
    const answer = await this.#ask(`reserve ${key}`, async (process) => {
      const at = process.clock.now();
      const answered = await reserveHold(process.database, {
        shard: this.#parts.shard,
        holdId: process.ids.next(),
        at,
        owner: VENDOR,
        requestKey: key,
        path: FLOAT,
        amount: paisa(amount),
        purpose: 'stamps',
        expiresAt: until > at ? until : new Date(at.getTime() + 1),
      });
      return answered.result === 'reserved' ? answered.holdId.toString() : undefined;
    });
    return answer === undefined ? undefined : BigInt(answer);
  }

  async #void(hold: bigint): Promise<void> {
    await this.#tell(`void ${hold.toString()}`, async (process) => {
      const { shard } = this.#parts;
      return (await voidHold(process.database, shard, hold, process.clock.now())) ?? 'none';
    });
  }

  #payment(psid: string, amount: bigint, hold: bigint): Asked {
    const { network, memory, world, random } = this.#parts;
    const reference = this.#key();
    const asked: Asked = {
      kind: 'payment',
      participant: VENDOR,
      reference,
      psid,
      amount,
      answers: [],
      repeat: async () => {
        await network.exchange({
          label: `${VENDOR} payment ${reference}`,
          patienceMs: random.between(2_000, 12_000),
          deliver: (process) =>
            process.engine.pay({
              channel: 'otc',
              participant: VENDOR,
              requestKey: reference,
              psid,
              amount: paisa(amount),
              reference,
              hold,
            }),
          given: (answer) => {
            world.note(`${VENDOR} payment ${reference} is answered ${answer.result}`);
            memory.answered(asked, wireAnswer(answer));
          },
        });
      },
    };
    return memory.remember(asked);
  }

  async #insist(asked: Asked): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS && !isDecided(asked); attempt += 1)
      await asked.repeat();
  }

  /** Asks until there is an answer, and compares it with what the same key was answered before. */
  async #ask(
    label: string,
    work: (process: SimulatedProcess) => Promise<string | undefined>,
  ): Promise<string | undefined> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const answer = await this.#tell(label, work);
      if (answer === undefined) continue;
      const before = this.#answers.get(label);
      if (before !== undefined && before !== answer)
        this.#parts.report(`${VENDOR} ${label} was answered ${before} and then ${answer}`);
      this.#answers.set(label, answer);
      // Now and then he asks again although he knows.
      if (!this.#parts.random.chance(200)) return answer;
    }
    return this.#answers.get(label);
  }

  async #tell(
    label: string,
    work: (process: SimulatedProcess) => Promise<string | undefined>,
  ): Promise<string | undefined> {
    const { network, world, random } = this.#parts;
    const reached = await network.exchange({
      label: `${VENDOR} ${label}`,
      patienceMs: random.between(1_000, 6_000),
      deliver: async (process) => {
        try {
          return await work(process);
        } catch (error) {
          world.note(`${VENDOR} ${label} fails: ${describeError(error)}`);
          return undefined;
        }
      },
      given: (answer) => world.note(`${VENDOR} ${label} is answered ${answer}`),
    });
    return reached?.answer;
  }
}

function wireAnswer(answer: PaymentAnswer): WireAnswer {
  const { result, authorisation, stampIds } = answer;
  const code = `otc ${result}`;
  if (result === 'approved')
    return {
      code,
      meaning: 'approved',
      ...(authorisation === undefined ? {} : { authorisation }),
      stamps: stampIds,
    };
  const isOpen =
    result === 'busy' || result === 'system-malfunction' || result === 'participant-unavailable';
  return { code, meaning: isOpen ? 'unknown' : 'refused' };
}
