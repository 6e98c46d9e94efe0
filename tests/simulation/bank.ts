/** What every bank can do, and how its customers' payments go: patience, repeats, doubts and changes of mind. */
import { isDecided, type Asked } from './memory.ts';
import type { Seeded } from './seeded.ts';
import type { World } from './world.ts';

export interface PaymentOrder {
  readonly psid: string;
  readonly amount: bigint;
  readonly advice: boolean;
}

export interface Bank {
  readonly code: string;
  /** Prepares a payment; `repeat` of what it returns sends it. */
  pay(order: PaymentOrder): Asked;
  /** Prepares a reversal of a payment; undefined on a channel that has none. */
  reverse(asked: Asked, amount?: bigint): Asked | undefined;
  /** Prepares the same request with another amount; undefined where that cannot be. */
  payOtherwise(asked: Asked, amount: bigint): Asked | undefined;
  inquire(psid: string): Promise<void>;
}

/** How one payment goes on the bank's side. */
export const COURSES = [
  'pay',
  'inquire-and-pay',
  'pay-and-repeat',
  'reverse-after',
  'reverse-twice',
  'reverse-while-paying',
  'reverse-before',
  'reverse-wrong-amount',
  'use-then-reverse',
  'reuse-key',
] as const;
export type Course = (typeof COURSES)[number];

export interface Story {
  readonly bank: Bank;
  readonly order: PaymentOrder;
  readonly course: Course;
  readonly startMs: number;
}

export interface StoryParts {
  readonly world: World;
  readonly random: Seeded;
  /** Uses the stamps of a challan, if it has any. */
  readonly useStamps: (psid: string) => Promise<void>;
}

/** Sends a request until it is decided or the attempts are spent. */
async function insist(asked: Asked, attempts: number, parts: StoryParts): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    await asked.repeat();
    if (isDecided(asked)) return;
    await parts.world.sleep(parts.random.between(50, 3_000));
  }
}

async function reverse(
  bank: Bank,
  asked: Asked,
  parts: StoryParts,
  amount?: bigint,
): Promise<void> {
  const reversal = bank.reverse(asked, amount);
  if (reversal !== undefined) await insist(reversal, 3, parts);
}

/** Plays one payment to its end; what stays undecided is asked again when the faults are over. */
export async function play(story: Story, parts: StoryParts): Promise<void> {
  const { bank, order, course } = story;
  const { world, random } = parts;
  await world.sleep(story.startMs);
  if (course === 'inquire-and-pay') await bank.inquire(order.psid);
  const asked = bank.pay(order);
  if (course === 'reverse-before') await reverse(bank, asked, parts);
  const paying = insist(asked, random.between(1, 3), parts);
  if (course === 'reverse-while-paying') {
    await world.sleep(random.between(0, 30));
    await reverse(bank, asked, parts);
  }
  if (course === 'reuse-key') {
    await world.sleep(random.between(0, 30));
    await bank.payOtherwise(asked, order.amount + 100n)?.repeat();
  }
  await paying;
  if (!isDecided(asked) && random.chance(500)) {
    await reverse(bank, asked, parts);
    return;
  }
  await afterwards(story, asked, parts);
}

async function afterwards(story: Story, asked: Asked, parts: StoryParts): Promise<void> {
  const { bank, order, course } = story;
  const { world, random } = parts;
  await world.sleep(random.between(0, 2_000));
  if (course === 'pay-and-repeat') await Promise.all([asked.repeat(), asked.repeat()]);
  if (course === 'reverse-after') await reverse(bank, asked, parts);
  if (course === 'reverse-twice')
    await Promise.all([reverse(bank, asked, parts), reverse(bank, asked, parts)]);
  if (course === 'reverse-wrong-amount') await reverse(bank, asked, parts, order.amount + 1n);
  if (course === 'use-then-reverse') {
    await parts.useStamps(order.psid);
    await reverse(bank, asked, parts);
  }
}
