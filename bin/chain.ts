/** Opens the chain that keeps the log: the embedded one, or the Fabric network that the settings name. */
import { systemClock, systemTimers } from '../kernel/clock.ts';
import type { Config } from '../kernel/config.ts';
import type { Database } from '../kernel/database.ts';
import { openEmbeddedChain, openFabricChain, type AnchorChain } from '../reconciliation/index.ts';
import type { Keys } from './keys.ts';

export interface OpenChain {
  readonly chain: AnchorChain;
  close(): void;
}

/** Opens the chain of the settings. A Fabric network is not called yet: it may come up later. */
export async function openChain(
  config: Config,
  database: Database,
  keys: Pick<Keys, 'logKey'>,
): Promise<OpenChain> {
  const { fabric, logOrigin: origin } = config;
  const signingKey = keys.logKey;
  if (fabric === undefined) {
    const chain = await openEmbeddedChain({ database, signingKey, origin, clock: systemClock });
    return { chain, close: () => undefined };
  }
  const chain = await openFabricChain({
    settings: fabric,
    signingKey,
    origin,
    timers: systemTimers,
  });
  return { chain, close: () => chain.close() };
}
