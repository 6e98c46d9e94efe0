/**
 * What a failure at a Fabric network means for the caller. Where it failed says whether the batch may have been
 * ordered: while it is endorsed nothing was; from the moment it is submitted only the head of the chain knows.
 */
import { refusalIn } from '../../../chaincode/src/contract-error.ts';
import { ChainFault, type ChainPhase } from '../anchor-chain.ts';

/** A failure as the gateway client reports it, without its types. */
export interface GatewayFailure {
  readonly phase: ChainPhase;
  /** Status of gRPC. */
  readonly grpcCode?: number;
  /** The message, and those of the peers behind the gateway. */
  readonly messages: readonly string[];
  readonly peer: string;
  readonly cause: unknown;
}

/** Codes with which a committing peer marks a transaction that lost a race against another one. */
const LOST_RACES: ReadonlySet<string> = new Set([
  'MVCC_READ_CONFLICT',
  'PHANTOM_READ_CONFLICT',
  'DUPLICATE_TXID',
]);

/** Turns a failed call into a fault that says what may be done again. */
export function faultOfGateway(failure: GatewayFailure): ChainFault {
  const { phase, grpcCode, messages, peer, cause } = failure;
  const refusal = messages.map(refusalIn).find((each) => each !== undefined);
  if (refusal !== undefined) {
    return new ChainFault('chain-refused', 'The contract refused the call.', {
      phase: phase === 'read' ? 'read' : 'endorse',
      retry: 'never',
      refusal: refusal.code,
      ...(refusal.entry === undefined ? {} : { fields: { entry: refusal.entry } }),
      cause,
    });
  }
  const mayBeOrdered = phase === 'submit' || phase === 'commit';
  return new ChainFault('chain-unreachable', 'The Fabric network did not take the call.', {
    phase,
    retry: mayBeOrdered ? 'ask-head-first' : 'safe',
    fields: { peer, ...(grpcCode === undefined ? {} : { grpcCode }) },
    cause,
  });
}

/**
 * The fault of a transaction that was ordered and then marked invalid. When it lost a race the head says what became
 * of the batch; any other mark (a policy that was not met, a bad write set) comes again.
 */
export function faultOfCommit(status: {
  readonly name: string;
  readonly transactionId: string;
}): ChainFault {
  return new ChainFault('chain-refused', 'The Fabric network marked the transaction as invalid.', {
    phase: 'commit',
    retry: LOST_RACES.has(status.name) ? 'ask-head-first' : 'never',
    fields: { validation: status.name, transaction: status.transactionId },
  });
}
