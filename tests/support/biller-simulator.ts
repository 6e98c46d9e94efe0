/** An external biller over a real socket, as docs/integrators/billers.md describes it, with the faults that billers have. */
import { timingSafeEqual } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { requestSignature } from '../../switch/billers/client.ts';
import { Receiver, type ReceivedRequest } from './http-receiver.ts';

export interface SimulatedBill {
  readonly consumerName: string;
  readonly amount: string;
  readonly dueDate: string;
  status: 'unpaid' | 'paid' | 'blocked';
}

interface SimulatedPayment {
  readonly psid?: string;
  status: 'accepted' | 'cancelled' | 'fulfilled';
}

/** `deaf`: works, but its answer never arrives; `hung`: does nothing at all; `broken`: 500; `garbage`: no JSON. */
export type BillerFault = 'deaf' | 'hung' | 'broken' | 'garbage';

export class BillerSimulator {
  readonly bills = new Map<string, SimulatedBill>();
  readonly payments = new Map<string, SimulatedPayment>();
  /** The fault for requests whose `METHOD path` matches. */
  fault: { readonly kind: BillerFault; readonly when: RegExp } | undefined;
  secret: Buffer;
  readonly #receiver: Receiver;
  readonly #held: ServerResponse[] = [];

  private constructor(receiver: Receiver, secret: Buffer) {
    this.#receiver = receiver;
    this.secret = secret;
    receiver.answer = (request, response) => this.#answer(request, response);
  }

  static async open(secret: Buffer): Promise<BillerSimulator> {
    return new BillerSimulator(await Receiver.open(), secret);
  }

  get url(): string {
    return this.#receiver.url('/biller');
  }

  /** What it was asked, as `METHOD path`. */
  get asked(): string[] {
    return this.#receiver.received.map(
      ({ method, path }) => `${method} ${path.replace('/biller', '')}`,
    );
  }

  /** How many requests wait for an answer that is held back. */
  get held(): number {
    return this.#held.length;
  }

  forget(): void {
    this.#receiver.received.length = 0;
  }

  async close(): Promise<void> {
    await this.#receiver.close();
  }

  /** Status of every payment for a PSID. */
  paymentsOf(psid: string): string[] {
    return [...this.payments.values()]
      .filter((each) => each.psid === psid)
      .map((each) => each.status);
  }

  #answer(request: ReceivedRequest, response: ServerResponse): void {
    const fault =
      this.fault?.when.test(`${request.method} ${request.path}`) === true
        ? this.fault.kind
        : undefined;
    if (fault === 'hung') this.#held.push(response);
    else if (fault === 'broken') response.writeHead(500).end();
    else if (fault === 'garbage') response.end('<html>maintenance</html>');
    else {
      const [status, body] = this.#work(request);
      if (fault === 'deaf') this.#held.push(response);
      else
        response
          .writeHead(status, { 'content-type': 'application/json' })
          .end(JSON.stringify(body));
    }
  }

  #isSigned({ method, path, headers, body }: ReceivedRequest): boolean {
    const at = String(headers['sanad-timestamp']);
    const expected = Buffer.from(requestSignature(this.secret, { method, path, at, body }));
    const given = Buffer.from(String(headers['sanad-signature']));
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  #work(request: ReceivedRequest): [number, object] {
    if (!this.#isSigned(request)) return [401, {}];
    const [, , what, id = '', action] = request.path.split('/');
    if (what === 'bills') {
      const bill = this.bills.get(id);
      return bill === undefined ? [404, {}] : [200, { psid: id, ...bill }];
    }
    if (request.method === 'GET') {
      const payment = this.payments.get(id);
      return payment === undefined ? [404, {}] : this.#shown(id, payment);
    }
    return action === 'cancellation' ? this.#cancel(id) : this.#pay(request.body);
  }

  #shown(id: string, { status }: SimulatedPayment): [number, object] {
    return status === 'cancelled'
      ? [409, { status }]
      : [200, { status: 'accepted', reference: `B-${id.slice(-8)}` }];
  }

  #pay(body: string): [number, object] {
    const { id, psid, amount } = JSON.parse(body) as { id: string; psid: string; amount: string };
    const known = this.payments.get(id);
    if (known !== undefined) return this.#shown(id, known);
    const bill = this.bills.get(psid);
    const refuse = (reason: string): [number, object] => [409, { status: 'refused', reason }];
    if (bill === undefined) return refuse('unknown');
    if (bill.status === 'paid') return refuse('already-paid');
    if (bill.status === 'blocked') return refuse('blocked');
    if (bill.amount !== amount) return refuse('amount-mismatch');
    bill.status = 'paid';
    const payment: SimulatedPayment = { psid, status: 'accepted' };
    this.payments.set(id, payment);
    return this.#shown(id, payment);
  }

  #cancel(id: string): [number, object] {
    const payment = this.payments.get(id) ?? { status: 'cancelled' as const };
    if (payment.status === 'fulfilled') return [409, { status: 'fulfilled' }];
    payment.status = 'cancelled';
    this.payments.set(id, payment);
    const bill = payment.psid === undefined ? undefined : this.bills.get(payment.psid);
    if (bill !== undefined) bill.status = 'unpaid';
    return [200, { status: 'cancelled' }];
  }
}
