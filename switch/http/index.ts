/** The public HTTP API. */
export { listen, makeHttpServer, type HttpServerDeps } from './server.ts';
export type * from './services.ts';
