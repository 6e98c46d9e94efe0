/**
 * Remembers for some minutes which credentials were right, so that scrypt does not run for every payment.
 * What is kept is an HMAC under a key of this process, over the user name, the stored hash and the password:
 * no password can be read from memory, and a changed password is unknown at once. Wrong ones are never kept.
 */
import { createHmac } from 'node:crypto';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Random } from '../../kernel/ids.ts';
import { isPassword } from './password.ts';

const KEEP_MS = 10 * 60_000;
const KEPT_MAX = 10_000;
/** Each running scrypt holds a thread and 32 MB; more than this at once is an attack or a start-up storm. */
const RUNNING_MAX = 16;
/** Wrong credentials a minute from one address, after which that address is not listened to until the minute ends. */
const WRONG_MAX = 30;
const MINUTE_MS = 60_000;
const ADDRESSES_MAX = 10_000;

/** What somebody presented, and the hash that it is set against. */
export interface Presented {
  readonly username: string;
  readonly password: string;
  readonly storedHash: string;
}

export class VerifiedCredentials {
  readonly #clock: Clock;
  readonly #key: Buffer;
  readonly #until = new Map<string, number>();
  readonly #running = new Map<string, Promise<boolean>>();
  readonly #wrong = new Map<string, number>();
  #minute = -1;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#key = random.bytes(32);
  }

  /**
   * Says whether `password` is the one of `storedHash`. Equal questions asked at once share one computation;
   * a Fault `overloaded` when too many different ones run. What was found right before stays right for its time
   * whatever else comes from the address; what is new from one that guesses is wrong without being looked at.
   */
  async check(
    { username, password, storedHash }: Presented,
    remoteAddress: string,
  ): Promise<boolean> {
    const mark = createHmac('sha256', this.#key)
      .update(`${username}\0${storedHash}\0${password}`)
      .digest('base64');
    const until = this.#until.get(mark);
    if (until !== undefined && this.#clock.now().getTime() < until) return true;
    const running = this.#running.get(mark);
    if (running !== undefined) return running;
    if (this.#guesses(remoteAddress)) return false;
    if (this.#running.size >= RUNNING_MAX) {
      throw new Fault('overloaded', 'Too many credentials are being checked; try again.');
    }
    const check = isPassword(password, storedHash).finally(() => this.#running.delete(mark));
    this.#running.set(mark, check);
    if (!(await check)) {
      this.#noteWrong(remoteAddress);
      return false;
    }
    this.#keep(mark);
    return true;
  }

  #guesses(address: string): boolean {
    const minute = Math.floor(this.#clock.now().getTime() / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#wrong.clear();
    }
    return (this.#wrong.get(address) ?? 0) >= WRONG_MAX;
  }

  #noteWrong(address: string): void {
    const count = this.#wrong.get(address) ?? 0;
    // Only addresses of participants come here; a full table counts no new ones, the running limit still holds.
    if (count > 0 || this.#wrong.size < ADDRESSES_MAX) this.#wrong.set(address, count + 1);
  }

  #keep(mark: string): void {
    this.#until.delete(mark);
    if (this.#until.size >= KEPT_MAX) {
      // A Map keeps the order of insertion: the first is the oldest.
      const oldest = this.#until.keys().next();
      if (oldest.done !== true) this.#until.delete(oldest.value);
    }
    this.#until.set(mark, this.#clock.now().getTime() + KEEP_MS);
  }
}
