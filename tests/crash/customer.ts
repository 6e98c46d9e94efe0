/**
 * The banks under test: they send payments and reversals over ISO 8583 and 1BILL, remember what was answered, and
 * repeat what was not. What they remember is the truth that the books are held against.
 */
import { karachiTime, systemClock } from '../../kernel/clock.ts';
import { secureRandom } from '../../kernel/ids.ts';
import {
  connectBankSwitch,
  makeOneBillClient,
  type BankSwitch,
  type Exchange,
  type OneBillPayment,
} from '../../switch/simulators/index.ts';
import type { ProductProcesses } from './product-processes.ts';

export interface Challan {
  readonly psid: string;
  readonly amount: bigint;
}

/** One payment as its bank knows it. */
export interface Deal {
  readonly challan: Challan;
  readonly channel: 'iso8583' | 'onebill';
  /** The bank's last word: approved with the switch's authorisation, reversed, or not known. */
  state: 'unknown' | 'approved' | 'reversed';
  authorisation: string | undefined;
  stampIds: readonly string[];
  /** What must be sent to learn, or do, what is left; undefined when nothing is. */
  pending: 'payment' | 'reversal' | undefined;
  sent: Extract<Exchange, { answered: true }>['sent'] | undefined;
  readonly onebill: OneBillPayment | undefined;
  wantsReversal: boolean;
}

let authIds = Number(secureRandom.digits(6));

/** Six digits that no other payment of this run has: with the date they are what tells 1BILL's payments apart. */
function nextAuthId(): string {
  authIds = (authIds + 1) % 1_000_000;
  return String(authIds).padStart(6, '0');
}

function onebillPayment(challan: Challan): OneBillPayment {
  const { year, month, day, hour, minute, second } = karachiTime(systemClock.now());
  return {
    psid: challan.psid,
    amountPaisa: challan.amount,
    tranAuthId: nextAuthId(),
    tranDate: `${year}${month}${day}`,
    tranTime: `${hour}${minute}${second}`,
  };
}

/** A deal that was not begun yet. */
export function newDeal(challan: Challan, channel: Deal['channel'], wantsReversal: boolean): Deal {
  return {
    challan,
    channel,
    state: 'unknown',
    authorisation: undefined,
    stampIds: [],
    pending: undefined,
    sent: undefined,
    onebill: channel === 'onebill' ? onebillPayment(challan) : undefined,
    wantsReversal: wantsReversal && channel === 'iso8583',
  };
}

/** Contradictions that the banks saw with their own eyes, in words. */
export const contradictions: string[] = [];

/** Connects and signs on; undefined while nobody listens. */
export async function connectBank(product: ProductProcesses): Promise<BankSwitch | undefined> {
  const [host = '', port = ''] = product.ready.iso8583.split(':');
  try {
    const bank = await connectBankSwitch({
      host,
      port: Number(port),
      institutionId: product.ready.trial.iso8583.institutionId,
      terminalId: 'ATM00001',
      clock: systemClock,
      random: secureRandom,
      timeoutMs: 5_000,
    });
    const signedOn = await bank.signOn();
    if (signedOn.answered && signedOn.code === '00') return bank;
    await bank.close();
  } catch {
    // Nobody listens, or the line broke: the caller tries again.
  }
  return undefined;
}

function noteApproval(deal: Deal, authorisation: string, stampIds: readonly string[]): void {
  if (deal.authorisation !== undefined && deal.authorisation !== authorisation)
    contradictions.push(`${deal.challan.psid} was approved twice with different authorisations`);
  if (deal.stampIds.length > 0 && stampIds.join() !== deal.stampIds.join())
    contradictions.push(`${deal.challan.psid} was answered with different stamps`);
  deal.state = 'approved';
  deal.authorisation = authorisation;
  if (stampIds.length > 0) deal.stampIds = stampIds;
  deal.pending = undefined;
}

async function payIso(deal: Deal, bank: BankSwitch): Promise<void> {
  const { psid, amount } = deal.challan;
  deal.pending = 'payment';
  const answer =
    deal.sent === undefined ? await bank.pay(psid, amount) : await bank.repeat(deal.sent);
  deal.sent ??= answer.sent;
  if (!answer.answered || answer.code === '91' || answer.code === '96') return;
  if (answer.code === '00') noteApproval(deal, answer.authorisation ?? '', answer.stampIds);
  else contradictions.push(`${psid} was refused with ${answer.code}`);
}

async function reverseIso(deal: Deal, bank: BankSwitch): Promise<void> {
  if (deal.sent === undefined) return;
  deal.pending = 'reversal';
  const answer = await bank.reverse(deal.sent);
  if (!answer.answered || answer.code === '91' || answer.code === '96') return;
  if (answer.code === '00') {
    deal.state = 'reversed';
    deal.pending = undefined;
  } else
    contradictions.push(`the reversal of ${deal.challan.psid} was refused with ${answer.code}`);
}

async function payOneBill(deal: Deal, product: ProductProcesses): Promise<void> {
  if (deal.onebill === undefined) return;
  deal.pending = 'payment';
  const client = makeOneBillClient({
    baseUrl: product.ready.http,
    ...product.ready.trial.onebill,
    timeoutMs: 5_000,
  });
  try {
    const answer = await client.pay(deal.onebill);
    if (answer.responseCode === '00') noteApproval(deal, answer.identificationParameter, []);
    else if (answer.responseCode !== '05')
      contradictions.push(`${deal.challan.psid} was refused with ${answer.responseCode}`);
  } catch {
    // No answer: the bank does not know, and will repeat.
  }
}

/** Sends what the deal needs next. True when the bank knows where it stands afterwards. */
export async function advance(
  deal: Deal,
  product: ProductProcesses,
  bank: BankSwitch,
): Promise<boolean> {
  if (deal.state === 'unknown') {
    if (deal.channel === 'iso8583') await payIso(deal, bank);
    else await payOneBill(deal, product);
  }
  if (deal.state === 'approved' && deal.wantsReversal) await reverseIso(deal, bank);
  return deal.state === (deal.wantsReversal ? 'reversed' : 'approved');
}
