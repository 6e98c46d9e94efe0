/** The banks of a history. */
import type { Bank } from './bank.ts';
import { IsoBank } from './iso-bank.ts';
import type { BankMemory } from './memory.ts';
import type { Network } from './network.ts';
import { OneBillBank } from './onebill-bank.ts';
import { ISO_BANKS, ONEBILL_BANK, STRANGER } from './scenario.ts';
import type { Seeded } from './seeded.ts';
import type { World } from './world.ts';

interface BanksParts {
  readonly world: World;
  readonly network: Network;
  readonly memory: BankMemory;
  readonly random: Seeded;
}

/** Two banks on the ISO 8583 line, listed twice since they can reverse, one on 1BILL, and one that is in no register. */
export function makeBanks(parts: BanksParts): Bank[] {
  const oneBill = (code: string): Bank =>
    new OneBillBank({
      ...parts,
      random: parts.random.stream(code),
      isRegistered: code !== STRANGER,
      participant: {
        code,
        name: code,
        channel: 'onebill',
        active: true,
        answerCodes: new Map(),
        settings: {},
      },
    });
  const iso = ISO_BANKS.map(
    (bank) => new IsoBank({ ...parts, ...bank, random: parts.random.stream(bank.code) }),
  );
  return [...iso, ...iso, oneBill(ONEBILL_BANK), oneBill(STRANGER)];
}
