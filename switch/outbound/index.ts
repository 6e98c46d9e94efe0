/** Requests of ours to servers of others. */
export { backOffMs, type BackOff } from './back-off.ts';
export { makeCaller, type Caller, type OutboundResult } from './call.ts';
export { parseDestination, type DestinationPolicy } from './destination.ts';
