/** From one message's bytes to its answer: the rules of the line, without sockets. */
import { businessDate, type BusinessDate, type Clock } from '../../../kernel/clock.ts';
import type { Log } from '../../../kernel/log.ts';
import type { ResultCode } from '../../../kernel/result-code.ts';
import type { Bill, PaymentEngine } from '../../payment/index.ts';
import { answerType, buildAnswer, type AnswerContent } from './answer.ts';
import { formatAmount, formatBillDetails, formatStamps, settlementDate } from './bill-data.ts';
import { pack, unpack } from './codec.ts';
import { announcedDate, type Iso8583Cutovers } from './cutovers.ts';
import type { LimitedLog } from '../../participants/index.ts';
import type { LineMetrics } from './line-metrics.ts';
import type { MacKey, MacSettings } from './line-settings.ts';
import { MalformedMessage } from './malformed.ts';
import { packWithMac, verifyMac } from './message-mac.ts';
import type { IsoMessage } from './message.ts';
import type { Iso8583Profile } from './profile.ts';
import type { Member, Session } from './session.ts';
import { toFinancial, toReversal, type CanonicalRequest } from './to-payment.ts';

export interface Reply {
  readonly result: ResultCode;
  readonly stan: string | undefined;
  /** The packed answer. */
  readonly bytes: Buffer;
}

/** A message with the bytes that it was read from, over which its MAC stands. */
interface Request {
  readonly message: IsoMessage;
  readonly bytes: Buffer | undefined;
}

/** What `read` makes of a message: a request to answer, an answer to one of ours, or bytes that are neither. */
export type Received =
  | { readonly kind: 'request'; readonly message: IsoMessage; readonly isNetwork: boolean }
  | { readonly kind: 'answer'; readonly message: IsoMessage }
  | { readonly kind: 'malformed'; readonly fault: MalformedMessage; readonly reply?: Reply };

export interface ResponderParts {
  readonly engine: PaymentEngine;
  readonly profile: Iso8583Profile;
  readonly clock: Clock;
  readonly log: Log;
  readonly limitedLog?: LimitedLog;
  readonly metrics?: LineMetrics;
  readonly cutovers?: Iso8583Cutovers | undefined;
}

type Content = Omit<AnswerContent, 'businessDate'>;

/** What is answered, and with whose MAC and answer codes. */
interface Decision {
  readonly content: Content;
  readonly member?: Member | undefined;
  readonly mac?: { readonly algorithm: MacSettings['algorithm']; readonly key: MacKey } | undefined;
}

const BILL_RESULT: Readonly<Record<Bill['status'], ResultCode>> = {
  unpaid: 'approved',
  paid: 'already-paid',
  blocked: 'blocked',
  expired: 'expired',
};

const PIN_DATA = 52;
const plain = (result: ResultCode, malformedField?: number): Decision => ({
  content: { result, malformedField },
});

export class Responder {
  readonly #parts: ResponderParts;
  #minute = Number.NaN;
  #today: BusinessDate = '';

  constructor(parts: ResponderParts) {
    this.#parts = parts;
  }

  /** Reads a message. A malformed request whose type could be read gets its 0x10 with format error at once. */
  read(bytes: Buffer): Received {
    try {
      const message = this.#withoutPin(unpack(this.#parts.profile.spec, bytes));
      if (answerType(message.mti) === undefined) return { kind: 'answer', message };
      return { kind: 'request', message, isNetwork: message.mti[1] === '8' };
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      // A fault inside a composite names the part behind the field: `55.9F26`.
      const malformedField = Number.parseInt(String(error.fields['field']), 10);
      const reply = this.#reply(error.partial, {
        content: {
          result: 'format-error',
          ...(malformedField > 0 ? { malformedField } : {}),
        },
      });
      return { kind: 'malformed', fault: error, ...(reply === undefined ? {} : { reply }) };
    }
  }

  /**
   * Answers a request. Never rejects: what fails inside is answered as a malfunction and logged. `bytes` are those
   * that the message was read from; without them no MAC is right.
   */
  async answer(message: IsoMessage, session: Session, bytes?: Buffer): Promise<Reply | undefined> {
    try {
      return this.#reply(message, await this.#decide({ message, bytes }, session));
    } catch (error) {
      this.#parts.log.error(
        { err: error, mti: message.mti },
        'A request on the ISO 8583 line failed.',
      );
      return this.#reply(message, plain('system-malfunction'));
    }
  }

  /** The answer to a request for which there is no room: nothing was done, and it may be repeated. */
  shed(message: IsoMessage): Reply | undefined {
    return this.#reply(message, plain('busy'));
  }

  /** The key of a right MAC; `wrong` when the participant needs one and this is none; undefined when it needs none. */
  checkMac(request: Request, member: Member): MacKey | 'wrong' | undefined {
    const { mac } = member.line;
    if (mac === undefined) return undefined;
    const { clock, limitedLog, metrics, profile } = this.#parts;
    const { message, bytes } = request;
    const nowMs = clock.now().getTime();
    const key =
      bytes === undefined ? undefined : verifyMac(profile.spec, { message, bytes }, mac, nowMs);
    if (key !== undefined) return key;
    metrics?.refusals.inc({ reason: 'mac' });
    limitedLog?.error(
      { participant: member.participant.code, mti: request.message.mti },
      'A message with a wrong MAC was refused.',
    );
    return 'wrong';
  }

  #withoutPin(message: IsoMessage): IsoMessage {
    if (this.#parts.profile.pinData !== 'discard' || !message.fields.has(PIN_DATA)) return message;
    const fields = new Map(message.fields);
    fields.delete(PIN_DATA);
    return { mti: message.mti, fields };
  }

  #decide(request: Request, session: Session): Promise<Decision> {
    switch (request.message.mti.slice(1, 2)) {
      case '8':
        return this.#manage(request, session);
      case '2':
        return this.#pass(request, session, toFinancial);
      case '4':
        return this.#pass(request, session, toReversal);
      default:
        return Promise.resolve(plain('invalid-transaction'));
    }
  }

  /** Network management: 001 sign-on, 002 sign-off, 201 cutover, 301 echo. */
  async #manage(request: Request, session: Session): Promise<Decision> {
    const { fields } = request.message;
    for (const number of [7, 11, 70]) if (!fields.has(number)) return plain('format-error', number);
    const institution = fields.get(32);
    const code = fields.get(70) ?? '';
    if (code === '301') return plain('approved');
    if (code === '002' && institution === undefined) {
      session.signOff();
      return plain('approved');
    }
    if (code !== '001' && code !== '002' && code !== '201') return plain('invalid-transaction');
    if (institution === undefined) return plain('format-error', 32);
    const member =
      code === '001' ? await session.lookUp(institution) : await session.member(institution);
    if (member === undefined) return plain(code === '002' ? 'approved' : 'participant-unavailable');
    const key = this.checkMac(request, member);
    // Before the sign-on a wrong MAC is answered as an unknown institution is: nothing is learnt from it.
    if (key === 'wrong') return plain(code === '001' ? 'participant-unavailable' : 'unauthorised');
    return this.#withMac(
      await this.#change(code, request.message, { member, session }),
      member,
      key,
    );
  }

  async #change(
    code: '001' | '002' | '201',
    message: IsoMessage,
    { member, session }: { readonly member: Member; readonly session: Session },
  ): Promise<Decision> {
    const { cutovers, clock, log } = this.#parts;
    const said = { institution: member.institutionId, participant: member.participant.code };
    if (code === '001') {
      if (!session.signOn(member)) return plain('participant-unavailable');
      log.info(said, 'An institution signed on.');
      return plain('approved');
    }
    if (code === '002') {
      session.signOff(member.institutionId);
      log.info(said, 'An institution signed off.');
      return plain('approved');
    }
    const now = clock.now();
    const date = announcedDate(message.fields.get(15), now);
    if (date === undefined) return plain('format-error', 15);
    const stan = message.fields.get(11) ?? '';
    await cutovers?.record({
      participant: member.participant.code,
      businessDate: date,
      announcedAt: now,
      stan,
    });
    log.info({ ...said, businessDate: date }, 'A cutover was announced.');
    return plain('approved');
  }

  async #pass(request: Request, session: Session, read: typeof toFinancial): Promise<Decision> {
    const { message } = request;
    const institution = message.fields.get(32);
    if (institution === undefined) return plain('format-error', 32);
    // Not awaited when it is at hand: requests then reach the engine in the order in which they came.
    const known = session.member(institution);
    const member = known instanceof Promise ? await known : known;
    if (member === undefined) return plain('participant-unavailable');
    const key = this.checkMac(request, member);
    if (key === 'wrong') return { ...plain('unauthorised'), member };
    const { profile, clock } = this.#parts;
    const canonical = read(message, member.participant.code, { profile, now: clock.now() });
    return this.#withMac({ content: await this.#ask(canonical), member }, member, key);
  }

  #withMac(decision: Decision, member: Member, key: MacKey | undefined): Decision {
    const { mac } = member.line;
    if (key === undefined || mac === undefined) return { ...decision, member };
    return { ...decision, member, mac: { algorithm: mac.algorithm, key } };
  }

  async #ask(canonical: CanonicalRequest): Promise<Content> {
    const { engine, profile } = this.#parts;
    switch (canonical.kind) {
      case 'refused':
        return { result: canonical.result, malformedField: canonical.field };
      case 'reversal': {
        const { result } = await engine.reverse(canonical.request);
        return { result };
      }
      case 'inquiry': {
        const answer = await engine.inquire(canonical.request);
        return answer.ok ? billContent(answer.bill, profile.currency) : { result: answer.result };
      }
      case 'payment': {
        const answer = await engine.pay(canonical.request);
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

  #reply(request: IsoMessage, { content, member, mac }: Decision): Reply | undefined {
    const own = member?.participant.answerCodes?.get(content.result);
    const fields: [number, string][] = [...(content.fields ?? [])] as [number, string][];
    if (own !== undefined) fields.push([39, own]);
    const { spec } = this.#parts.profile;
    const message = buildAnswer(
      request,
      { ...content, fields, businessDate: this.#businessDate() },
      spec,
    );
    if (message === undefined) return undefined;
    return {
      result: content.result,
      stan: message.fields.get(11),
      bytes: mac === undefined ? pack(spec, message) : packWithMac(spec, message, mac),
    };
  }

  /** Today in Karachi, worked out once a minute. */
  #businessDate(): BusinessDate {
    const now = this.#parts.clock.now();
    const minute = (now.getTime() / 60_000) | 0;
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#today = businessDate(now);
    }
    return this.#today;
  }
}

/** An inquiry's answer: what is due, and in DE 39 whether it can be paid now. */
function billContent(bill: Bill, currency: string): Content {
  const amount = formatAmount(bill.amount);
  if (amount === undefined) return { result: 'limit-exceeded' };
  return {
    result: BILL_RESULT[bill.status],
    fields: [
      [4, amount],
      [49, currency],
      [120, formatBillDetails(bill)],
    ],
  };
}
