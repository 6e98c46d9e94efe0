/**
 * The voucher form, seen from the merchant (us): the fields that a payer's browser posts to the gateway, which then
 * shows a voucher to pay at an agent, or asks the payer's wallet. The published notification of its payment names
 * nothing but `pp_TxnRefNo`, so that one carries the PSID: 17 digits and three characters of the attempt.
 */
import { compactTime, type Clock } from '../../../kernel/clock.ts';
import { Fault } from '../../../kernel/fault.ts';
import { isPsid, type Psid, type Random } from '../../../kernel/ids.ts';
import { keysValidAt, type Participant } from '../../participants/index.ts';
import type { Bill } from '../../payment/index.ts';
import { withSecureHash } from './secure-hash.ts';
import type { JazzCashSettings } from './settings.ts';

export interface VoucherDeps {
  readonly participant: Participant;
  readonly settings: JazzCashSettings;
  /** The merchant id that the gateway gave us: the participant's user name. */
  readonly merchantId: string;
  /** Where the gateway sends the payer's browser afterwards. */
  readonly returnUrl: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** The `pp_TxnRefNo` of one attempt to pay a PSID. */
function voucherReference(psid: Psid, random: Random): string {
  return psid + random.digits(3);
}

/** The PSID that a `pp_TxnRefNo` of ours carries. */
export function psidOfReference(txnRefNo: string): Psid | undefined {
  const psid = txnRefNo.slice(0, 17);
  return txnRefNo.length === 20 && isPsid(psid) ? psid : undefined;
}

/**
 * The signed fields for one bill, valid until the end of the bill's last day. Refuses (`bad-input`) a bill that cannot
 * be paid, (`config-invalid`) a participant without a salt that is valid now or without our password.
 */
export function voucherFields(bill: Bill, deps: VoucherDeps): Record<string, string> {
  const now = deps.clock.now();
  const [salt] = keysValidAt(deps.settings.salts, now.getTime());
  const { merchantPassword } = deps.settings;
  if (salt === undefined || merchantPassword === undefined) {
    throw new Fault('config-invalid', 'The participant has no salt or password for vouchers.', {
      fields: { participant: deps.participant.code },
    });
  }
  if (bill.status !== 'unpaid') throw new Fault('bad-input', 'The bill cannot be paid.');
  return withSecureHash(
    {
      pp_Version: '1.1',
      pp_TxnType: 'OTC',
      pp_Language: 'EN',
      pp_MerchantID: deps.merchantId,
      pp_SubMerchantID: '',
      pp_Password: merchantPassword,
      pp_BankID: '',
      pp_ProductID: '',
      pp_TxnRefNo: voucherReference(bill.psid, deps.random),
      pp_Amount: bill.amount.toString(),
      pp_TxnCurrency: 'PKR',
      pp_TxnDateTime: compactTime(now),
      pp_BillReference: bill.psid,
      pp_Description: 'Challan 32-A',
      pp_TxnExpiryDateTime: `${bill.dueDate.replaceAll('-', '')}235959`,
      pp_ReturnURL: deps.returnUrl,
    },
    salt.key,
  );
}
