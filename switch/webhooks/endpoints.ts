/** A department's endpoints: adding one, changing its secret, switching it off. */
import type { Clock } from '../../kernel/clock.ts';
import type { Database } from '../../kernel/database.ts';
import { Fault } from '../../kernel/fault.ts';
import type { IdMaker, Random } from '../../kernel/ids.ts';
import { parseDestination, type DestinationPolicy } from '../outbound/index.ts';
import type { SecretOpener } from '../participants/index.ts';
import {
  findEndpoint,
  insertEndpoint,
  listEndpoints,
  replaceSecret,
  switchEndpoint,
  type Endpoint,
} from './endpoint-store.ts';
import { secretText } from './signature.ts';

const ENDPOINTS_MAX = 10;
const SECRET_BYTES = 32;
/** How long the old secret signs beside the new one. [A] */
const CHANGE_OVER_MS = 24 * 3_600_000;

/** Seals and opens the secrets at rest. */
export interface SecretKeeper extends SecretOpener {
  seal(secret: Buffer, context: string): string;
}

export interface EndpointDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: IdMaker;
  readonly secrets: SecretKeeper;
  readonly policy: DestinationPolicy;
}

/** An endpoint as its department sees it. */
export interface EndpointSummary {
  readonly id: bigint;
  readonly url: string;
  readonly active: boolean;
  readonly createdAt: Date;
}

function contextOf(endpointId: bigint): string {
  return `webhook/${endpointId.toString()}`;
}

function summary(endpoint: Endpoint): EndpointSummary {
  const { endpointId: id, url, active, createdAt } = endpoint;
  return { id, url, active, createdAt };
}

/** The secrets that sign now, the newest first. */
export function signingSecrets(endpoint: Endpoint, secrets: SecretOpener, now: Date): Buffer[] {
  const context = contextOf(endpoint.endpointId);
  const present = secrets.open(endpoint.secretSealed, context);
  const { previousSealed, previousUntil } = endpoint;
  return previousSealed === undefined || previousUntil === undefined || previousUntil <= now
    ? [present]
    : [present, secrets.open(previousSealed, context)];
}

/** The endpoints of a department as it sees them. */
export async function endpointsOf(
  database: Database,
  department: string,
): Promise<readonly EndpointSummary[]> {
  return (await listEndpoints(database, department)).map(summary);
}

export interface EndpointDesk {
  /** Adds an endpoint; the secret is shown here and never again. Refuses an address that is not allowed (`bad-input`). */
  add(department: string, url: string): Promise<EndpointSummary & { readonly secret: string }>;
  list(department: string): Promise<readonly EndpointSummary[]>;
  /** A new secret; the old one signs beside it for a day. Undefined: the department has no such endpoint. */
  changeSecret(
    department: string,
    id: bigint,
  ): Promise<{ readonly secret: string; readonly previousUntil: Date } | undefined>;
  /** False: the department has no such endpoint. */
  switch(department: string, id: bigint, active: boolean): Promise<boolean>;
}

/** Makes the desk over a database. */
export function makeEndpointDesk(deps: EndpointDeps): EndpointDesk {
  const { database, clock, random, ids, secrets, policy } = deps;
  const own = async (department: string, id: bigint): Promise<Endpoint | undefined> => {
    const endpoint = await findEndpoint(database, id);
    return endpoint?.departmentCode === department ? endpoint : undefined;
  };
  return {
    async add(departmentCode, text) {
      const url = parseDestination(text, policy).href;
      const there = await listEndpoints(database, departmentCode);
      if (there.filter((each) => each.active).length >= ENDPOINTS_MAX)
        throw new Fault('conflict', 'A department has at most ten endpoints that are switched on.');
      const endpointId = ids.next();
      const secret = random.bytes(SECRET_BYTES);
      const secretSealed = secrets.seal(secret, contextOf(endpointId));
      const createdAt = clock.now();
      await insertEndpoint(database, { endpointId, departmentCode, url, secretSealed, createdAt });
      return { id: endpointId, url, active: true, createdAt, secret: secretText(secret) };
    },
    list: (department) => endpointsOf(database, department),
    async changeSecret(department, id) {
      if ((await own(department, id)) === undefined) return undefined;
      const secret = random.bytes(SECRET_BYTES);
      const at = clock.now();
      const until = new Date(at.getTime() + CHANGE_OVER_MS);
      await replaceSecret(database, id, { sealed: secrets.seal(secret, contextOf(id)), until, at });
      return { secret: secretText(secret), previousUntil: until };
    },
    async switch(department, id, active) {
      if ((await own(department, id)) === undefined) return false;
      await switchEndpoint(database, id, active, clock.now());
      return true;
    },
  };
}
