/** Everything that bounds what the other ends of the line can take up. */

/** Limits of one connection. */
export interface ConnectionLimits {
  /** Requests under way on one connection; the next are not read before one is answered. */
  readonly inFlightMax: number;
  /** Silence after which a connection is closed. */
  readonly idleMs: number;
  /** Silence after which a signed-on connection is sent an echo. */
  readonly echoMs: number;
  /** Time in which a request of ours must be answered. */
  readonly answerMs: number;
  /** Time in which a frame that has begun must be complete, and in which answers must be taken. */
  readonly frameMs: number;
  /** Time in which somebody must have signed on. */
  readonly signOnMs: number;
  /** Malformed messages after which a connection is closed. */
  readonly malformedMax: number;
  /** Requests and malformed messages without a sign-on after which a connection is closed. */
  readonly strangeMax: number;
}

export interface Iso8583Limits extends ConnectionLimits {
  /** Connections open at once; at a further one the oldest without sign-on gives way, or else the new one. */
  readonly connectionsMax: number;
  /** Connections from one address. */
  readonly connectionsPerAddressMax: number;
  /** Requests under way on all connections; a further one is answered 91 at once. */
  readonly inFlightTotalMax: number;
  /** Time that `stop` gives to requests under way. */
  readonly stopMs: number;
  /** How often silent connections are looked for. */
  readonly sweepMs: number;
}

export const DEFAULT_ISO8583_LIMITS: Iso8583Limits = {
  connectionsMax: 12_000,
  connectionsPerAddressMax: 4_000,
  inFlightMax: 512,
  inFlightTotalMax: 20_000,
  idleMs: 600_000,
  echoMs: 300_000,
  answerMs: 15_000,
  frameMs: 30_000,
  signOnMs: 60_000,
  malformedMax: 200,
  strangeMax: 20,
  stopMs: 10_000,
  sweepMs: 1_000,
};
