/** The public HTTP API. */
export { departmentApi } from './routes/departments.ts';
export { disputeApi } from './routes/disputes.ts';
export type * from './office-services.ts';
export {
  makeOperatorDirectory,
  operatorTokenHash,
  parseOperators,
  type OperatorRecord,
} from './operators.ts';
export { listApi, type ListServices } from './routes/lists.ts';
export { publicLogRoutes, type PublicLog } from './routes/log.ts';
export { officeApi } from './routes/office.ts';
export { walletApi } from './routes/wallets.ts';
export { listen, makeHttpServer, type HttpServerDeps } from './server.ts';
export type * from './services.ts';
