/** The sandbox: fixed PSIDs that force each answer, for participants that certify. */
export { FORCED_ANSWERS, sandboxPsid, type ForcedName } from './psids.ts';
export { SANDBOX_AMOUNT, sandboxEngine, type SandboxDeps } from './sandbox-engine.ts';
