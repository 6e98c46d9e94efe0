/** The service catalogue at work: which service, what it costs, and the challan line that it becomes. */
import type { BusinessDate } from '../../kernel/clock.ts';
import type { Queryable } from '../../kernel/database.ts';
import type { Paisa } from '../../kernel/money.ts';
import type { ChallanLineDraft } from '../challans/challan-line-draft.ts';
import { listServices, type Service } from './service-store.ts';

/** Why a department's demand cannot be made. */
export interface ServiceRefusal {
  readonly ok: false;
  /** Stable: programs branch on it. */
  readonly code:
    'unknown-service' | 'amount-required' | 'amount-not-wanted' | 'amount-out-of-bounds';
  /** The member of the request that is wrong. */
  readonly path: 'service' | 'amount';
  readonly message: string;
}

export type PricedService =
  | { readonly ok: true; readonly service: Service; readonly line: ChallanLineDraft }
  | ServiceRefusal;

function refusal(code: ServiceRefusal['code'], message: string): ServiceRefusal {
  return { ok: false, code, path: code === 'unknown-service' ? 'service' : 'amount', message };
}

function amountOf(service: Service, given: Paisa | undefined): Paisa | ServiceRefusal {
  const { fee } = service;
  if (fee.basis === 'fixed')
    return given === undefined || given === fee.amount
      ? fee.amount
      : refusal('amount-not-wanted', 'The fee of this service is fixed; leave the amount out.');
  if (given === undefined)
    return refusal('amount-required', 'This service has no fixed fee; say the amount.');
  return given < fee.minimum || given > fee.maximum
    ? refusal(
        'amount-out-of-bounds',
        `The amount of this service lies between ${fee.minimum.toString()} and ${fee.maximum.toString()} paisa.`,
      )
    : given;
}

/** Prices one service; `given` is the amount that the department says, in paisa. */
function priceService(service: Service, given: Paisa | undefined): PricedService {
  const amount = amountOf(service, given);
  if (typeof amount === 'object') return amount;
  const { headCode, title, assumed, stamp } = service;
  return {
    ok: true,
    service,
    line: {
      headCode,
      description: title,
      amount,
      assumed,
      ...(stamp === undefined ? {} : { stamp: { ...stamp, description: title } }),
    },
  };
}

/** Finds a department's service as it holds on `day` and prices it; another department's is as unknown as none. */
export async function priceDemand(
  db: Queryable,
  demand: {
    readonly department: string;
    readonly service: string;
    readonly amount: Paisa | undefined;
    readonly day: BusinessDate;
  },
): Promise<PricedService> {
  const service = (await listServices(db, demand.day)).find(
    (each) => each.code === demand.service && each.departmentCode === demand.department,
  );
  return service === undefined
    ? refusal('unknown-service', 'The department has no such service today; see /v1/services.')
    : priceService(service, demand.amount);
}
