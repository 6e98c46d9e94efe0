/** A bank on the ISO 8583 line: packs its messages, repeats and reverses as banks do, and reads the answers. */
import { pack, unpack, type IsoMessage } from '../../switch/channels/iso8583/index.ts';
import { DEFAULT_PROFILE } from '../../switch/channels/iso8583/index.ts';
import {
  billRequest,
  networkRequest,
  repeatOf,
  reversalRequest,
  type RequestFrame,
} from '../../switch/simulators/bank-switch/requests.ts';
import type { Bank, PaymentOrder } from './bank.ts';
import type { Asked, BankMemory, WireAnswer } from './memory.ts';
import type { Network, Reached } from './network.ts';
import type { SimulatedProcess } from './process.ts';
import type { Seeded } from './seeded.ts';
import type { World } from './world.ts';

export interface IsoBankParts {
  readonly code: string;
  readonly institution: string;
  readonly world: World;
  readonly network: Network;
  readonly memory: BankMemory;
  readonly random: Seeded;
}

const { spec } = DEFAULT_PROFILE;

export class IsoBank implements Bank {
  readonly code: string;
  readonly #parts: IsoBankParts;
  readonly #messages = new Map<Asked, IsoMessage>();
  readonly #signedOn = new Set<SimulatedProcess>();
  #signingOn: Promise<void> | undefined;
  #stan = 0;

  constructor(parts: IsoBankParts) {
    this.code = parts.code;
    this.#parts = parts;
  }

  pay(order: PaymentOrder): Asked {
    const message = billRequest(this.#frame(), {
      mti: order.advice ? '0220' : '0200',
      psid: order.psid,
      amountPaisa: order.amount,
    });
    return this.#ask('payment', message, order.psid, order.amount);
  }

  /** The same STAN, RRN and time with another amount: a fault of the bank. */
  payOtherwise(asked: Asked, amount: bigint): Asked | undefined {
    const original = this.#messages.get(asked);
    if (original === undefined) return undefined;
    const fields = new Map(original.fields).set(4, amount.toString().padStart(12, '0'));
    return this.#ask('payment', { mti: original.mti, fields }, asked.psid, amount);
  }

  reverse(asked: Asked, amount = asked.amount): Asked | undefined {
    const original = this.#messages.get(asked);
    if (original === undefined) return undefined;
    const message = reversalRequest(this.#frame(), original);
    const fields = new Map(message.fields).set(4, amount.toString().padStart(12, '0'));
    return this.#ask('reversal', { mti: message.mti, fields }, asked.psid, amount);
  }

  async inquire(psid: string): Promise<void> {
    const message = billRequest(this.#frame(), { mti: '0200', psid });
    await this.#exchange(`${this.code} inquiry ${psid}`, message, () => undefined);
  }

  #frame(): RequestFrame {
    this.#stan += 1;
    return {
      institutionId: this.#parts.institution,
      terminalId: 'ATM1',
      cardAcceptorId: 'LAHORE',
      now: this.#parts.world.clock.now(),
      stan: String(this.#stan).padStart(6, '0'),
    };
  }

  #ask(kind: Asked['kind'], message: IsoMessage, psid: string, amount: bigint): Asked {
    const { memory } = this.#parts;
    let isFirst = true;
    const asked: Asked = {
      kind,
      participant: this.code,
      reference: (message.fields.get(37) ?? '').trimEnd(),
      psid,
      amount,
      answers: [],
      repeat: async () => {
        const sent = isFirst ? message : repeatOf(message);
        isFirst = false;
        const label = `${this.code} ${sent.mti} ${message.fields.get(11) ?? ''}`;
        await this.#exchange(label, sent, (answer) => {
          memory.answered(asked, readAnswer(answer));
        });
      },
    };
    this.#messages.set(asked, message);
    return memory.remember(asked);
  }

  /** Signs on where that is still to be done, and sends the message. */
  async #exchange(
    label: string,
    message: IsoMessage,
    given: (answer: IsoMessage) => void,
  ): Promise<void> {
    if (this.#signedOn.size === 0) {
      this.#signingOn ??= this.#signOn();
      await this.#signingOn;
    }
    const reached = await this.#pass(label, message, given);
    // Whoever gives no answer, or says that we are unknown, is asked to let us sign on first.
    const isUnknown = reached?.answer.fields.get(44) === 'PARTICIPANT UNAVAILABLE';
    if (reached === undefined || isUnknown) this.#signedOn.clear();
  }

  async #signOn(): Promise<void> {
    const request = networkRequest(this.#frame(), '001');
    const reached = await this.#pass(`${this.code} sign-on`, request, () => undefined);
    if (reached?.answer.fields.get(39) === '00') this.#signedOn.add(reached.process);
    this.#signingOn = undefined;
  }

  #pass(
    label: string,
    message: IsoMessage,
    given: (answer: IsoMessage) => void,
  ): Promise<Reached<IsoMessage> | undefined> {
    const { network, world, random, institution } = this.#parts;
    const frame = pack(spec, message);
    world.note(
      `${label} is sent${message.fields.has(48) ? ` for ${message.fields.get(48)?.slice(8).trimEnd() ?? ''} ${message.fields.get(4) ?? ''}` : ''}`,
    );
    return network.exchange({
      label,
      patienceMs: random.between(2_000, 12_000),
      deliver: async (process) => {
        const bytes = await process.receiveIso(institution, frame);
        return bytes === undefined ? undefined : unpack(spec, bytes);
      },
      given: (answer) => {
        const { code, authorisation = '' } = readAnswer(answer);
        world.note(`${label} is answered ${code} ${authorisation}`);
        given(answer);
      },
    });
  }
}

/** DE 39 with DE 44, DE 38 and DE 121 of an answer. */
function readAnswer(answer: IsoMessage): WireAnswer {
  const text = answer.fields.get(44);
  const code = `${answer.fields.get(39) ?? '??'}${text === undefined ? '' : ` ${text}`}`;
  const meaning = meaningOf(code);
  if (meaning !== 'approved') return { code, meaning };
  const stamps = answer.fields.get(121);
  return {
    code,
    meaning,
    ...(answer.fields.has(38) ? { authorisation: answer.fields.get(38) ?? '' } : {}),
    ...(stamps === undefined ? {} : { stamps: stamps.slice(2).match(/\d{16}/g) ?? [] }),
  };
}

function meaningOf(code: string): WireAnswer['meaning'] {
  if (code === '00') return 'approved';
  if (code === '00 IN SUSPENSE') return 'in-suspense';
  if (code === '94 KEY REUSED') return 'key-reused';
  if (code.startsWith('68')) return 'reversed';
  // 91: busy, or not signed on or switched off, which is not kept; 96: the switch failed.
  if (code.startsWith('91') || code.startsWith('96')) return 'unknown';
  return 'refused';
}
