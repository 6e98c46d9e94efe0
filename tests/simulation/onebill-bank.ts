/** A bank on the 1BILL interface: JSON bodies, six characters that name a payment, and no reversal. */
import type { Participant } from '../../switch/index.ts';
import type { Bank, PaymentOrder } from './bank.ts';
import type { Asked, BankMemory, WireAnswer } from './memory.ts';
import type { Network } from './network.ts';
import type { Seeded } from './seeded.ts';
import type { World } from './world.ts';

export interface OneBillBankParts {
  readonly participant: Participant;
  /** False for one that is in no register. */
  readonly isRegistered: boolean;
  readonly world: World;
  readonly network: Network;
  readonly memory: BankMemory;
  readonly random: Seeded;
}

export class OneBillBank implements Bank {
  readonly code: string;
  readonly #parts: OneBillBankParts;
  #payments = 0;

  constructor(parts: OneBillBankParts) {
    this.code = parts.participant.code;
    this.#parts = parts;
  }

  pay({ psid, amount }: PaymentOrder): Asked {
    const { world, memory, network, random, participant, isRegistered } = this.#parts;
    this.#payments += 1;
    const reference = `T${String(this.#payments).padStart(5, '0')}`;
    const now = world.clock.now().toISOString();
    const body = JSON.stringify({
      consumer_number: psid,
      tran_auth_id: reference,
      transaction_amount: amount.toString().padStart(12, '0'),
      tran_date: now.slice(0, 10).replaceAll('-', ''),
      tran_time: now.slice(11, 19).replaceAll(':', ''),
      bank_mnemonic: 'BANK',
    });
    const label = `${this.code} BillPayment ${reference}`;
    const asked: Asked = {
      kind: 'payment',
      participant: this.code,
      reference,
      psid,
      amount,
      answers: [],
      repeat: async () => {
        world.note(`${label} is sent for ${psid} ${amount.toString()}`);
        await network.exchange({
          label,
          patienceMs: random.between(2_000, 12_000),
          deliver: (process) => process.receiveOneBill(participant, body),
          given: (text) => {
            const answer = readAnswer(text, isRegistered);
            world.note(`${label} is answered ${answer.code} ${answer.authorisation ?? ''}`);
            memory.answered(asked, answer);
          },
        });
      },
    };
    return memory.remember(asked);
  }

  reverse(): undefined {
    return undefined;
  }

  payOtherwise(): undefined {
    return undefined;
  }

  inquire(): Promise<void> {
    return Promise.resolve();
  }
}

function readAnswer(text: string, isRegistered: boolean): WireAnswer {
  const body = JSON.parse(text) as { response_Code: string; Identification_parameter: string };
  const code = body.response_Code;
  if (code === '00')
    return { code, meaning: 'approved', authorisation: body.Identification_parameter.trimEnd() };
  // 05: busy or failed; 04 to a registered bank: switched off for now, which is not kept.
  const isUnknown = code === '05' || (code === '04' && isRegistered);
  return { code, meaning: isUnknown ? 'unknown' : 'refused' };
}
