/** The faults of a history: which, how often, and what the driver throws for each. */
import type { Seeded } from './seeded.ts';

/** What may befall one statement. */
export type StatementFault =
  | 'none'
  /** 40001 and 40P01: rolled back because of a neighbour. */
  | 'serialization-failure'
  | 'deadlock'
  /** The connection ends before the statement reached the server, or after its commit and before the answer. */
  | 'lost-before-commit'
  | 'lost-after-commit'
  /** The connection ends while the statement runs; the server commits it, or rolls it back, later. */
  | 'commits-late'
  | 'rolls-back-late'
  | 'statement-timeout'
  | 'no-connection-in-time'
  | 'disk-full'
  /** The server takes its time. */
  | 'slow';

export interface FaultPlan {
  readonly name: 'calm' | 'rough' | 'stormy';
  readonly statements: Readonly<Record<StatementFault, number>>;
  /** Of a thousand messages, how many are lost, come twice, or are late by seconds. */
  readonly lostPerMille: number;
  readonly doubledPerMille: number;
  readonly latePerMille: number;
  /** Of a thousand ticks of the world's weather (one a second), how many bring each of these. */
  readonly weather: Readonly<
    Record<'none' | 'crash' | 'restart' | 'takeover' | 'stall' | 'outage' | 'clock-jump', number>
  >;
}

const BARE: Readonly<Record<StatementFault, number>> = {
  none: 1_000,
  'serialization-failure': 0,
  deadlock: 0,
  'lost-before-commit': 0,
  'lost-after-commit': 0,
  'commits-late': 0,
  'rolls-back-late': 0,
  'statement-timeout': 0,
  'no-connection-in-time': 0,
  'disk-full': 0,
  slow: 0,
};
const FAIR = {
  none: 1_000,
  crash: 0,
  restart: 0,
  takeover: 0,
  stall: 0,
  outage: 0,
  'clock-jump': 0,
};

/** Nothing goes wrong any more. */
export const CALM: FaultPlan = {
  name: 'calm',
  statements: BARE,
  lostPerMille: 0,
  doubledPerMille: 0,
  latePerMille: 0,
  weather: FAIR,
};

/** Draws the faults of a history: a tenth are calm, so that the rules are also seen undisturbed. */
export function drawFaults(random: Seeded): FaultPlan {
  const name = random.weighted({ calm: 10, rough: 50, stormy: 40 });
  if (name === 'calm') return CALM;
  const few = name === 'rough' ? 15 : 50;
  const rate = (): number => random.between(0, few);
  return {
    name,
    statements: {
      none: 1_000,
      'serialization-failure': rate(),
      deadlock: rate(),
      'lost-before-commit': rate(),
      'lost-after-commit': rate() * 2,
      'commits-late': rate() * 2,
      'rolls-back-late': rate(),
      'statement-timeout': rate(),
      'no-connection-in-time': rate(),
      'disk-full': random.chance(300) ? rate() : 0,
      slow: rate(),
    },
    lostPerMille: random.between(0, few * 2),
    doubledPerMille: random.between(0, few * 3),
    latePerMille: random.between(0, few * 2),
    weather: {
      none: 1_000,
      crash: random.between(0, few * 2),
      restart: random.between(0, few),
      takeover: random.between(0, few),
      stall: random.between(0, few),
      outage: random.between(0, few),
      'clock-jump': random.between(0, few),
    },
  };
}

function failure(message: string, code?: string): Error {
  const error = new Error(message);
  return code === undefined ? error : Object.assign(error, { code });
}

/** What the driver throws for a fault; a lost connection has several faces. */
export function errorOf(fault: StatementFault, random: Seeded): Error {
  switch (fault) {
    case 'serialization-failure':
      return failure('could not serialize access due to concurrent update', '40001');
    case 'deadlock':
      return failure('deadlock detected', '40P01');
    case 'statement-timeout':
      return failure('canceling statement due to statement timeout', '57014');
    case 'no-connection-in-time':
      return failure('timeout exceeded when trying to connect');
    case 'disk-full':
      return failure('could not extend file: No space left on device', '53100');
    case 'none':
    case 'slow':
    case 'lost-before-commit':
    case 'lost-after-commit':
    case 'commits-late':
    case 'rolls-back-late':
      return random.pick([
        failure('Connection terminated unexpectedly'),
        failure('read ECONNRESET', 'ECONNRESET'),
        failure('terminating connection due to administrator command', '57P01'),
      ]);
  }
}

/** What the driver throws while the server is away. */
export function unreachable(random: Seeded): Error {
  return random.pick([
    failure('connect ECONNREFUSED', 'ECONNREFUSED'),
    failure('the database system is starting up', '57P03'),
  ]);
}
