/**
 * The three kinds of failure of the house (STYLE, habit 10). A refusal that the business expects is a
 * returned result code (`result-code.ts`); an operating fault is a thrown `Fault`; a broken invariant is
 * an `invariant()` that throws `InvariantBroken`, which stops the work and must reach a person.
 */

/** Every operating fault the product can raise. A new cause gets a new code here first. */
export type FaultCode =
  | 'bad-input'
  | 'not-found'
  | 'conflict'
  | 'unauthorised'
  | 'forbidden'
  | 'overloaded'
  | 'config-invalid'
  | 'database-unreachable'
  | 'database-failed'
  | 'disk-full'
  | 'port-busy'
  | 'lease-lost'
  | 'chain-refused'
  | 'chain-unreachable'
  | 'message-malformed'
  | 'seal-invalid'
  | 'file-unreadable'
  | 'internal';

export interface FaultOptions {
  /** Values that explain the fault, safe to log: never a CNIC, a name, a key or a card number. */
  readonly fields?: Readonly<Record<string, string | number | boolean>>;
  readonly cause?: unknown;
}

/** An operating fault. `message` is a constant sentence, safe to print; what varies is in `fields`. */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly fields: Readonly<Record<string, string | number | boolean>>;

  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Fault';
    this.code = code;
    this.fields = options.fields ?? {};
  }
}

/** A rule that must always hold did not. Nothing may catch this to go on with the same work. */
export class InvariantBroken extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InvariantBroken';
  }
}

/** Throws `InvariantBroken` with `message` unless `condition` holds. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantBroken(message);
}
