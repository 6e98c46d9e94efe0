/** Reads the register's answer to a status look-up over HTTP (`GET /v1/stamps/{id}/status`). */
import { STAMP_STATES, type StampState } from '../../kernel/stamp.ts';
import type { StampStatus } from './report.ts';

/** The status in a JSON value; undefined when a member is absent or malformed. Members unknown here are passed over. */
export function statusFromJson(value: unknown): StampStatus | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  // Every member is still unknown and checked below.
  const status = value as Record<string, unknown>;
  const { state, recordRoot, usedFor, inclusion } = status;
  const asOf = instant(status['asOf']);
  const issuedAt = instant(status['issuedAt']);
  const stateChangedAt = instant(status['stateChangedAt']);
  if (!isState(state) || asOf === undefined || issuedAt === undefined) return undefined;
  if (typeof recordRoot !== 'string' || !/^[0-9a-f]{64}$/.test(recordRoot)) return undefined;
  return {
    state,
    asOf,
    issuedAt: issuedAt.getTime(),
    recordRoot,
    ...(stateChangedAt === undefined ? {} : { stateChangedAt }),
    ...(typeof usedFor === 'string' ? { usedFor: usedFor.slice(0, 200) } : {}),
    // Its members are checked where the proof is verified, one by one.
    ...(typeof inclusion === 'object' && inclusion !== null
      ? { inclusion: inclusion as NonNullable<StampStatus['inclusion']> }
      : {}),
  };
}

function isState(value: unknown): value is StampState {
  return typeof value === 'string' && (STAMP_STATES as readonly string[]).includes(value);
}

function instant(value: unknown): Date | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT[\d:.]{8,12}Z$/.test(value)) return undefined;
  const read = new Date(value);
  return Number.isNaN(read.getTime()) ? undefined : read;
}
