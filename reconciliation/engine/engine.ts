/** The engine: routes each request to the lane of its PSID's shard, and answers inquiries from the books. */
import { businessDate, type Clock } from '../../kernel/clock.ts';
import type { Database } from '../../kernel/database.ts';
import { isPsid, shardOfPsid } from '../../kernel/ids.ts';
import { findBill } from './lane-store.ts';
import type { PostingLane } from './lane.ts';
import type {
  Inquiry,
  InquiryAnswer,
  PaymentAnswer,
  PaymentEngine,
  PaymentRequest,
  ReversalAnswer,
  ReversalRequest,
} from './payment.ts';

export interface EngineOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** The lanes that this process runs, by shard. */
  readonly lanes: ReadonlyMap<number, PostingLane>;
}

/** Makes the engine over its lanes. A PSID of a shard that no lane runs is unknown here. */
export function makeEngine(options: EngineOptions): PaymentEngine {
  const { database, clock, lanes } = options;
  const laneOf = (psid: string): PostingLane | undefined =>
    isPsid(psid) ? lanes.get(shardOfPsid(psid)) : undefined;
  return {
    async inquire(inquiry: Inquiry): Promise<InquiryAnswer> {
      if (laneOf(inquiry.psid) === undefined) return { ok: false, result: 'unknown-consumer' };
      const bill = await findBill(
        database,
        shardOfPsid(inquiry.psid),
        inquiry.psid,
        businessDate(clock.now()),
      );
      return bill === undefined ? { ok: false, result: 'unknown-consumer' } : { ok: true, bill };
    },
    pay(request: PaymentRequest): Promise<PaymentAnswer> {
      // An advice for a PSID of nobody's shard is money all the same: the first lane keeps it in suspense.
      const [first] = request.advice === true ? lanes.values() : [];
      const lane = laneOf(request.psid) ?? first;
      return (
        lane?.pay(request) ??
        Promise.resolve({ result: 'unknown-consumer', repeated: false, stampIds: [] })
      );
    },
    reverse(request: ReversalRequest): Promise<ReversalAnswer> {
      // Where an advice may have left its money (see `pay`).
      const [first] = lanes.values();
      const lane = laneOf(request.psid) ?? first;
      return (
        lane?.reverse(request) ?? Promise.resolve({ result: 'original-not-found', repeated: false })
      );
    },
  };
}
