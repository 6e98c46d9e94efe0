/**
 * What every channel must do, as rules with names. One suite for all: a driver speaks the channel's own protocol, a
 * sandbox gives challans to pay, and each rule is run on its own challans. A rule that a channel or a sandbox cannot
 * run is reported as not run, never as passed.
 */
import type { ChannelName } from '../payment/index.ts';

/** What a driver's codes must tell apart. */
export type Expected =
  | 'unknown-psid'
  | 'wrong-amount'
  | 'already-paid'
  | 'expired'
  | 'limit'
  | 'key-reused'
  | 'reversed-before'
  | 'unknown-payment'
  | 'reversal-mismatch'
  | 'stamp-used'
  | 'blocked'
  | 'unavailable'
  | 'busy'
  | 'malfunction'
  | 'unauthorised';

/** One answer of the switch, in the suite's words. */
export interface ConformanceAnswer {
  readonly approved: boolean;
  /** The channel's own code. */
  readonly code: string;
  readonly amountPaisa?: bigint;
  readonly status?: 'unpaid' | 'paid' | 'closed';
  readonly authorisation?: string;
  /** All that the sender sees of a refusal; two that must be alike are compared by it. */
  readonly wire: string;
}

/** A payment that was prepared; sending it again is the repeat after a timeout. */
export interface Prepared {
  readonly psid: string;
  readonly amountPaisa: bigint;
  readonly id: string;
}

/** The other end of one channel. What a channel does not have is absent. */
export interface ConformanceDriver {
  readonly channel: ChannelName;
  /** The channel's codes, from its specification and not from the code under test. */
  readonly codes: Readonly<Record<Expected, readonly string[]>>;
  inquire(psid: string): Promise<ConformanceAnswer>;
  /** Names a payment without sending it. */
  prepare(psid: string, amountPaisa: bigint): Prepared;
  send(payment: Prepared): Promise<ConformanceAnswer>;
  reverse?(payment: Prepared): Promise<ConformanceAnswer>;
  /** False where a reversal carries no amount of its own. */
  readonly reversalHasAmount?: boolean;
  /** False where only what was sent before can be reversed. */
  readonly reversesUnsent?: boolean;
  /** Asks with wrong credentials or a wrong signature. */
  forge(psid: string): Promise<ConformanceAnswer>;
  /** Pays with wrong credentials or a wrong signature. */
  forgePayment(psid: string, amountPaisa: bigint): Promise<ConformanceAnswer>;
  /** Sends one captured request twice, or one that is too old; answers the last. */
  replay?(psid: string): Promise<ConformanceAnswer>;
  /** Sends bytes that are no message; resolves when they were answered or the line was closed. False: a server error. */
  garbage(bytes: string): Promise<boolean>;
  close(): Promise<void>;
}

/** Challans to pay. What cannot be had is absent, and the rules that need it are not run. */
export interface ConformanceSandbox {
  /** A challan that nobody has paid. */
  challan(): Promise<{ readonly psid: string; readonly amountPaisa: bigint }>;
  /** A PSID with a right check digit that is nobody's. */
  unknownPsid(): string;
  expired?(): Promise<{ readonly psid: string; readonly amountPaisa: bigint }>;
  /** A challan above the participant's limit for one transaction. */
  aboveLimit?(): Promise<{ readonly psid: string; readonly amountPaisa: bigint }>;
  /** Uses (delists) the stamps that the payment of a challan issued. */
  use?(psid: string): Promise<void>;
  /** A PSID that forces this answer to its payment (or to its reversal); undefined when there is none. */
  forced?(answer: Forced): { readonly psid: string; readonly amountPaisa: bigint } | undefined;
}

/** What a sandbox's fixed PSIDs may force. */
export type Forced = Exclude<Expected, 'unauthorised'>;

interface RuleContext {
  readonly driver: ConformanceDriver;
  readonly sandbox: ConformanceSandbox;
}

/** Why a rule did not hold. */
class RuleBroken extends Error {}
/** Why a rule could not be run: the sandbox lacks what it needs. */
class CannotRun extends Error {}
/** Why a rule is not one of this channel. */
class NotOfChannel extends Error {}

function hold(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new RuleBroken(otherwise);
}

function have<Part>(part: Part | undefined, otherwise: string): Part {
  if (part === undefined) throw new CannotRun(otherwise);
  return part;
}

/** What the channel has, or the rule is none of it. */
function offer<Part>(part: Part | undefined, otherwise: string): Part {
  if (part === undefined) throw new NotOfChannel(otherwise);
  return part;
}

function expectCode(
  { driver }: RuleContext,
  answer: ConformanceAnswer,
  expected: Expected,
  what: string,
): void {
  const codes = driver.codes[expected];
  hold(!answer.approved, `${what} was approved`);
  hold(
    codes.includes(answer.code),
    `${what} was answered ${answer.code} instead of ${codes.join(' or ')}`,
  );
}

async function paid(
  context: RuleContext,
): Promise<{ payment: Prepared; first: ConformanceAnswer }> {
  const { driver, sandbox } = context;
  const { psid, amountPaisa } = await sandbox.challan();
  const payment = driver.prepare(psid, amountPaisa);
  const first = await driver.send(payment);
  hold(first.approved, `a right payment was answered ${first.code}`);
  return { payment, first };
}

async function expectStatus(
  { driver }: RuleContext,
  psid: string,
  status: ConformanceAnswer['status'],
): Promise<void> {
  const bill = await driver.inquire(psid);
  hold(bill.approved, `an inquiry was answered ${bill.code}`);
  hold(
    bill.status === status,
    `the bill is ${bill.status ?? 'nothing'} instead of ${status ?? ''}`,
  );
}

/** Bytes that are no message of any channel. */
const GARBAGE = [
  '',
  '{',
  '[]',
  'null',
  '"',
  '\u0000\u0001\u0002',
  'GET / HTTP/1.1\r\n\r\n',
  '{"a":'.repeat(500),
  '9'.repeat(3_000),
  '\uFFFF'.repeat(200),
];

/** What a payment of a fixed PSID is refused with, in the order of the table in docs/integrators/sandbox.md. */
const FORCED_REFUSALS = [
  'already-paid',
  'expired',
  'blocked',
  'unknown-psid',
  'wrong-amount',
  'limit',
  'key-reused',
  'reversed-before',
  'unavailable',
] as const satisfies readonly Forced[];

const RULES = {
  async 'inquiry-tells-the-bill'(context: RuleContext): Promise<void> {
    const { psid, amountPaisa } = await context.sandbox.challan();
    const bill = await context.driver.inquire(psid);
    hold(bill.approved && bill.status === 'unpaid', `a new bill was answered ${bill.code}`);
    hold(
      bill.amountPaisa === amountPaisa,
      `the bill is ${String(bill.amountPaisa)} instead of ${amountPaisa.toString()} paisa`,
    );
  },

  async 'payment-is-posted'(context: RuleContext): Promise<void> {
    const { payment, first } = await paid(context);
    hold(first.authorisation !== undefined, 'a payment has no authorisation');
    await expectStatus(context, payment.psid, 'paid');
  },

  async 'repeat-is-answered-alike'(context: RuleContext): Promise<void> {
    const { payment, first } = await paid(context);
    const again = await context.driver.send(payment);
    hold(again.approved, `the repeat was answered ${again.code}`);
    hold(again.authorisation === first.authorisation, 'the repeat has another authorisation');
  },

  async 'sent-at-once-is-one'(context: RuleContext): Promise<void> {
    const { psid, amountPaisa } = await context.sandbox.challan();
    const payment = context.driver.prepare(psid, amountPaisa);
    const answers = await Promise.all([1, 2, 3, 4].map(() => context.driver.send(payment)));
    const last = await context.driver.send(payment);
    hold(last.approved, `the repeat was answered ${last.code}`);
    for (const answer of answers) {
      const isOne = !answer.approved || answer.authorisation === last.authorisation;
      hold(isOne, 'one payment sent at once has two authorisations');
    }
  },

  async 'duplicate-is-refused'(context: RuleContext): Promise<void> {
    const { payment } = await paid(context);
    const other = context.driver.prepare(payment.psid, payment.amountPaisa);
    const answer = await context.driver.send(other);
    expectCode(context, answer, 'already-paid', 'a second payment');
  },

  async 'key-names-one-payment'(context: RuleContext): Promise<void> {
    const { payment } = await paid(context);
    const changed = { ...payment, amountPaisa: payment.amountPaisa + 100n };
    const answer = await context.driver.send(changed);
    expectCode(context, answer, 'key-reused', 'the same request with another amount');
  },

  async 'wrong-amount-is-refused'(context: RuleContext): Promise<void> {
    const { psid, amountPaisa } = await context.sandbox.challan();
    for (const wrong of [amountPaisa - 1n, amountPaisa + 1n]) {
      const answer = await context.driver.send(context.driver.prepare(psid, wrong));
      expectCode(context, answer, 'wrong-amount', 'a wrong amount');
    }
    await expectStatus(context, psid, 'unpaid');
  },

  async 'unknown-psid-is-refused'(context: RuleContext): Promise<void> {
    const psid = context.sandbox.unknownPsid();
    const mistyped = psid.slice(0, -1) + String((Number(psid.slice(-1)) + 1) % 10);
    for (const each of [psid, mistyped]) {
      expectCode(context, await context.driver.inquire(each), 'unknown-psid', 'an inquiry');
      const payment = context.driver.prepare(each, 100n);
      expectCode(context, await context.driver.send(payment), 'unknown-psid', 'a payment');
    }
  },

  async 'expired-is-refused'(context: RuleContext): Promise<void> {
    const { sandbox } = context;
    const make = have(sandbox.expired?.bind(sandbox), 'no expired challan was given');
    const { psid, amountPaisa } = await make();
    await expectStatus(context, psid, 'closed');
    const answer = await context.driver.send(context.driver.prepare(psid, amountPaisa));
    expectCode(context, answer, 'expired', 'an expired challan');
  },

  async 'limit-is-kept'(context: RuleContext): Promise<void> {
    const { sandbox } = context;
    const make = have(sandbox.aboveLimit?.bind(sandbox), 'no challan above the limit was given');
    const { psid, amountPaisa } = await make();
    const answer = await context.driver.send(context.driver.prepare(psid, amountPaisa));
    expectCode(context, answer, 'limit', 'a payment above the limit');
  },

  async 'reversal-gives-back'(context: RuleContext): Promise<void> {
    const { driver } = context;
    const reverse = offer(driver.reverse?.bind(driver), 'the channel has no reversal');
    const { payment } = await paid(context);
    for (let time = 0; time < 2; time += 1) {
      const answer = await reverse(payment);
      hold(answer.approved, `a reversal was answered ${answer.code}`);
    }
    await expectStatus(context, payment.psid, 'unpaid');
    const again = await driver.send(driver.prepare(payment.psid, payment.amountPaisa));
    hold(again.approved, `the challan could not be paid again: ${again.code}`);
  },

  async 'reversed-payment-stays-reversed'(context: RuleContext): Promise<void> {
    const { driver } = context;
    const reverse = offer(driver.reverse?.bind(driver), 'the channel has no reversal');
    const { payment } = await paid(context);
    await reverse(payment);
    const repeat = await driver.send(payment);
    expectCode(context, repeat, 'reversed-before', 'the repeat of a reversed payment');
  },

  async 'reversal-before-payment-is-kept'(context: RuleContext): Promise<void> {
    const { driver, sandbox } = context;
    const reverse = offer(driver.reverse?.bind(driver), 'the channel has no reversal');
    if (driver.reversesUnsent === false)
      throw new NotOfChannel('only what was sent can be reversed');
    const { psid, amountPaisa } = await sandbox.challan();
    const payment = driver.prepare(psid, amountPaisa);
    expectCode(context, await reverse(payment), 'unknown-payment', 'an early reversal');
    expectCode(context, await driver.send(payment), 'reversed-before', 'its late payment');
    await expectStatus(context, psid, 'unpaid');
  },

  async 'reversal-must-match'(context: RuleContext): Promise<void> {
    const { driver } = context;
    const reverse = offer(driver.reverse?.bind(driver), 'the channel has no reversal');
    if (driver.reversalHasAmount === false) throw new NotOfChannel('a reversal carries no amount');
    const { payment } = await paid(context);
    const answer = await reverse({ ...payment, amountPaisa: payment.amountPaisa + 100n });
    expectCode(context, answer, 'reversal-mismatch', 'a reversal of another amount');
    await expectStatus(context, payment.psid, 'paid');
  },

  async 'used-stamp-is-not-reversed'(context: RuleContext): Promise<void> {
    const { driver, sandbox } = context;
    const reverse = offer(driver.reverse?.bind(driver), 'the channel has no reversal');
    if (sandbox.use !== undefined) {
      const { payment } = await paid(context);
      await sandbox.use(payment.psid);
      expectCode(context, await reverse(payment), 'stamp-used', 'a reversal after use');
      await expectStatus(context, payment.psid, 'paid');
      return;
    }
    const fixed = have(sandbox.forced?.('stamp-used'), 'the sandbox cannot use a stamp');
    const payment = driver.prepare(fixed.psid, fixed.amountPaisa);
    const first = await driver.send(payment);
    hold(first.approved, `a right payment was answered ${first.code}`);
    expectCode(context, await reverse(payment), 'stamp-used', 'a reversal after use');
  },

  async 'refusals-have-their-codes'(context: RuleContext): Promise<void> {
    const { driver, sandbox } = context;
    const forced = have(sandbox.forced?.bind(sandbox), 'the sandbox has no fixed PSIDs');
    for (const answer of FORCED_REFUSALS) {
      const fixed = have(forced(answer), `the sandbox forces no ${answer}`);
      const payment = driver.prepare(fixed.psid, fixed.amountPaisa);
      expectCode(context, await driver.send(payment), answer, `the fixed PSID of ${answer}`);
    }
  },

  async 'shed-request-may-come-again'(context: RuleContext): Promise<void> {
    const { driver, sandbox } = context;
    const forced = have(sandbox.forced?.bind(sandbox), 'the sandbox has no fixed PSIDs');
    for (const answer of ['busy', 'malfunction'] as const) {
      const fixed = have(forced(answer), `the sandbox forces no ${answer}`);
      const payment = driver.prepare(fixed.psid, fixed.amountPaisa);
      expectCode(context, await driver.send(payment), answer, `the fixed PSID of ${answer}`);
      const again = await driver.send(payment);
      hold(again.approved, `the same request after ${answer} was answered ${again.code}`);
    }
  },

  async 'forgery-is-refused'(context: RuleContext): Promise<void> {
    const { psid, amountPaisa } = await context.sandbox.challan();
    const inquiry = await context.driver.forge(psid);
    expectCode(context, inquiry, 'unauthorised', 'a forged inquiry');
    const payment = await context.driver.forgePayment(psid, amountPaisa);
    expectCode(context, payment, 'unauthorised', 'a forged payment');
    await expectStatus(context, psid, 'unpaid');
  },

  async 'refusal-tells-nothing'(context: RuleContext): Promise<void> {
    const { psid } = await context.sandbox.challan();
    const known = await context.driver.forge(psid);
    const unknown = await context.driver.forge(context.sandbox.unknownPsid());
    hold(known.wire === unknown.wire, 'a forged inquiry tells whether a PSID exists');
  },

  async 'replay-is-refused'(context: RuleContext): Promise<void> {
    const { driver } = context;
    const replay = offer(driver.replay?.bind(driver), 'the channel has no replay protection');
    const { psid } = await context.sandbox.challan();
    expectCode(context, await replay(psid), 'unauthorised', 'a captured request');
  },

  async 'garbage-harms-nobody'(context: RuleContext): Promise<void> {
    const { psid } = await context.sandbox.challan();
    for (const bytes of GARBAGE) {
      hold(await context.driver.garbage(bytes), 'garbage was answered with a server error');
    }
    await expectStatus(context, psid, 'unpaid');
  },
} satisfies Readonly<Record<string, (context: RuleContext) => Promise<void>>>;

export type RuleName = keyof typeof RULES;

/** The names of the rules, in the order in which they are run. */
// The keys of an object literal are its own, and strings.
export const CONFORMANCE_RULES = Object.keys(RULES) as readonly RuleName[];

export interface RuleOutcome {
  readonly rule: RuleName;
  /** `not-run`: the sandbox lacks what the rule needs; `not-of-channel`: the channel lacks what it is about. */
  readonly outcome: 'passed' | 'failed' | 'not-run' | 'not-of-channel';
  /** Why it failed or was not run. */
  readonly reason?: string;
}

export interface ConformanceReport {
  readonly channel: ChannelName;
  /** True when no rule failed. */
  readonly conforms: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly notRun: number;
  readonly notOfChannel: number;
  readonly rules: readonly RuleOutcome[];
}

async function runRule(rule: RuleName, context: RuleContext): Promise<RuleOutcome> {
  try {
    await RULES[rule](context);
    return { rule, outcome: 'passed' };
  } catch (error) {
    if (error instanceof CannotRun) return { rule, outcome: 'not-run', reason: error.message };
    if (error instanceof NotOfChannel)
      return { rule, outcome: 'not-of-channel', reason: error.message };
    // An answer that breaks the field tables, or none at all, breaks the rule that asked for it.
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const field = error instanceof Error && 'field' in error ? ` (${String(error.field)})` : '';
    const told = error instanceof RuleBroken ? error.message : reason + field;
    return { rule, outcome: 'failed', reason: told };
  }
}

/** Runs the rules one after another; `only` limits them. The driver is left open. */
export async function runConformance(
  driver: ConformanceDriver,
  sandbox: ConformanceSandbox,
  only: readonly RuleName[] = CONFORMANCE_RULES,
): Promise<ConformanceReport> {
  const rules: RuleOutcome[] = [];
  for (const rule of only) rules.push(await runRule(rule, { driver, sandbox }));
  const count = (outcome: RuleOutcome['outcome']): number =>
    rules.filter((each) => each.outcome === outcome).length;
  return {
    channel: driver.channel,
    conforms: count('failed') === 0,
    passed: count('passed'),
    failed: count('failed'),
    notRun: count('not-run'),
    notOfChannel: count('not-of-channel'),
    rules,
  };
}
