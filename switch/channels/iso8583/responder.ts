/** From one message's bytes to its answer: the rules of the line, without sockets. */
import { businessDate, type BusinessDate, type Clock } from '../../../kernel/clock.ts';
import type { Log } from '../../../kernel/log.ts';
import type { ResultCode } from '../../../kernel/result-code.ts';
import type { Bill, PaymentEngine } from '../../payment/index.ts';
import { answerType, buildAnswer, type AnswerContent } from './answer.ts';
import { formatAmount, formatBillDetails, formatStamps, settlementDate } from './bill-data.ts';
import { pack, unpack } from './codec.ts';
import { MalformedMessage } from './malformed.ts';
import type { IsoMessage } from './message.ts';
import type { Iso8583Profile } from './profile.ts';
import type { Session } from './session.ts';
import { toFinancial, toReversal, type CanonicalRequest } from './to-payment.ts';

export interface Reply {
  readonly result: ResultCode;
  readonly stan: string | undefined;
  /** The packed answer. */
  readonly bytes: Buffer;
}

/** What `read` makes of a frame: a request to answer, or bytes that take no answer. */
export type Received =
  | { readonly kind: 'request'; readonly message: IsoMessage; readonly isNetwork: boolean }
  | { readonly kind: 'malformed'; readonly fault: MalformedMessage; readonly reply?: Reply }
  /** An answer, of which this side expects none. */
  | { readonly kind: 'unexpected'; readonly mti: string };

export interface ResponderParts {
  readonly engine: PaymentEngine;
  readonly profile: Iso8583Profile;
  readonly clock: Clock;
  readonly log: Log;
}

const BILL_RESULT: Readonly<Record<Bill['status'], ResultCode>> = {
  unpaid: 'approved',
  paid: 'already-paid',
  blocked: 'blocked',
  expired: 'expired',
};

const content = (result: ResultCode): Omit<AnswerContent, 'businessDate'> => ({ result });

export class Responder {
  readonly #engine: PaymentEngine;
  readonly #profile: Iso8583Profile;
  readonly #clock: Clock;
  readonly #log: Log;
  #minute = Number.NaN;
  #today: BusinessDate = '';

  constructor(parts: ResponderParts) {
    this.#engine = parts.engine;
    this.#profile = parts.profile;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  /** Reads a frame. A malformed request whose type could be read gets its 0x10 with format error at once. */
  read(frame: Buffer): Received {
    try {
      const message = unpack(this.#profile.spec, frame);
      if (answerType(message.mti) === undefined) return { kind: 'unexpected', mti: message.mti };
      return { kind: 'request', message, isNetwork: message.mti[1] === '8' };
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      const malformedField = Number(error.fields['field']);
      const reply = this.#reply(error.partial, {
        result: 'format-error',
        ...(malformedField > 0 ? { malformedField } : {}),
      });
      return { kind: 'malformed', fault: error, ...(reply === undefined ? {} : { reply }) };
    }
  }

  /** Answers a request. Never rejects: what fails inside is answered as a malfunction and logged. */
  async answer(request: IsoMessage, session: Session): Promise<Reply | undefined> {
    try {
      return this.#reply(request, await this.#decide(request, session));
    } catch (error) {
      this.#log.error({ err: error, mti: request.mti }, 'A request on the ISO 8583 line failed.');
      return this.#reply(request, content('system-malfunction'));
    }
  }

  #decide(request: IsoMessage, session: Session): Promise<Omit<AnswerContent, 'businessDate'>> {
    switch (request.mti.slice(1, 2)) {
      case '8':
        return this.#manage(request, session);
      case '2':
        return this.#pass(request, session, toFinancial);
      case '4':
        return this.#pass(request, session, toReversal);
      default:
        return Promise.resolve(content('invalid-transaction'));
    }
  }

  /** Network management: 001 sign-on, 002 sign-off, 201 cutover, 301 echo. */
  async #manage(
    request: IsoMessage,
    session: Session,
  ): Promise<Omit<AnswerContent, 'businessDate'>> {
    for (const number of [7, 11, 70]) {
      if (!request.fields.has(number)) return { result: 'format-error', malformedField: number };
    }
    const institution = request.fields.get(32);
    switch (request.fields.get(70) ?? '') {
      case '301':
        return content('approved');
      case '002':
        session.signOff(institution);
        this.#log.info({ institution }, 'An institution signed off.');
        return content('approved');
      case '001': {
        if (institution === undefined) return { result: 'format-error', malformedField: 32 };
        const participant = await session.signOn(institution);
        if (participant === undefined) {
          this.#log.warn({ institution }, 'A sign-on was refused.');
          return content('participant-unavailable');
        }
        this.#log.info({ institution, participant: participant.code }, 'An institution signed on.');
        return content('approved');
      }
      case '201': {
        if (institution === undefined) return { result: 'format-error', malformedField: 32 };
        const participant = await session.participant(institution);
        if (participant === undefined) return content('participant-unavailable');
        this.#log.info({ institution, participant: participant.code }, 'A cutover was announced.');
        return content('approved');
      }
      default:
        return content('invalid-transaction');
    }
  }

  async #pass(
    request: IsoMessage,
    session: Session,
    read: typeof toFinancial,
  ): Promise<Omit<AnswerContent, 'businessDate'>> {
    const institution = request.fields.get(32);
    if (institution === undefined) return { result: 'format-error', malformedField: 32 };
    // Not awaited when it is at hand: requests then reach the engine in the order in which they came.
    const known = session.participant(institution);
    const participant = known instanceof Promise ? await known : known;
    if (participant === undefined) return content('participant-unavailable');
    const canonical = read(request, participant.code, {
      profile: this.#profile,
      now: this.#clock.now(),
    });
    return this.#ask(canonical);
  }

  async #ask(canonical: CanonicalRequest): Promise<Omit<AnswerContent, 'businessDate'>> {
    switch (canonical.kind) {
      case 'refused':
        return { result: canonical.result, malformedField: canonical.field };
      case 'reversal': {
        const { result } = await this.#engine.reverse(canonical.request);
        return content(result);
      }
      case 'inquiry': {
        const answer = await this.#engine.inquire(canonical.request);
        return answer.ok
          ? billContent(answer.bill, this.#profile.currency)
          : content(answer.result);
      }
      case 'payment': {
        const answer = await this.#engine.pay(canonical.request);
        const fields: [number, string][] = [];
        if (answer.businessDate !== undefined)
          fields.push([15, settlementDate(answer.businessDate)]);
        if (answer.result === 'approved') {
          fields.push([38, (answer.authorisation ?? '').padStart(6, '0')]);
          fields.push([121, formatStamps(answer.stampIds)]);
        }
        return { result: answer.result, fields };
      }
    }
  }

  #reply(request: IsoMessage, answer: Omit<AnswerContent, 'businessDate'>): Reply | undefined {
    const message = buildAnswer(request, { ...answer, businessDate: this.#businessDate() });
    if (message === undefined) return undefined;
    return {
      result: answer.result,
      stan: message.fields.get(11),
      bytes: pack(this.#profile.spec, message),
    };
  }

  /** Today in Karachi, worked out once a minute. */
  #businessDate(): BusinessDate {
    const now = this.#clock.now();
    const minute = (now.getTime() / 60_000) | 0;
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#today = businessDate(now);
    }
    return this.#today;
  }
}

/** An inquiry's answer: what is due, and in DE 39 whether it can be paid now. */
function billContent(bill: Bill, currency: string): Omit<AnswerContent, 'businessDate'> {
  const amount = formatAmount(bill.amount);
  if (amount === undefined) return content('limit-exceeded');
  return {
    result: BILL_RESULT[bill.status],
    fields: [
      [4, amount],
      [49, currency],
      [120, formatBillDetails(bill)],
    ],
  };
}
