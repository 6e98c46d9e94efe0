/** A participant: a bank, wallet or teller network that may send payments, as a channel sees it. */
import type { Paisa } from '../../kernel/money.ts';
import type { ResultCode } from '../../kernel/result-code.ts';
import type { ChannelName } from '../payment/index.ts';

export interface Participant {
  /** 2 to 12 capitals and digits; part of the path of its settlement account. */
  readonly code: string;
  readonly name: string;
  /** The one channel it uses; a participant with two protocols is two rows. */
  readonly channel: ChannelName;
  /** False when it is switched off; the directory then knows it no longer. */
  readonly active: boolean;
  /** ISO 8583 DE 32, up to 11 digits. */
  readonly institutionId?: string;
  /** 1BILL `bank_mnemonic`; absent for an aggregator that brings the requests of many banks. */
  readonly bankMnemonic?: string;
  /** Answer codes that differ from the channel's own table. Never one for `approved`. */
  readonly answerCodes: ReadonlyMap<ResultCode, string>;
  /** The rest of its profile; each channel parses what is its own. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Most that one payment may move; the engine enforces it. */
  readonly limitPerTransaction?: Paisa;
  /** Most that its payments may come to in one business date; the engine enforces it. */
  readonly limitPerDay?: Paisa;
  /** What it may owe beyond its prefunding; the engine enforces it. */
  readonly netDebitCap?: Paisa;
}
