/** A switch that breaks one named rule on purpose, so that the conformance suite can be seen to find it. */
export { breakEngine, ENGINE_BREAKS, type EngineBreak } from './break-engine.ts';
export {
  FRONT_BREAKS,
  startBrokenFront,
  type FrontBreak,
  type FrontOptions,
  type Passing,
} from './broken-front.ts';
export { makeImpersonator, tellsOfBill, type Impersonated } from './impersonate.ts';
