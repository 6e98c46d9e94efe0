/** What a front needs to break rules about who is believed: the senders' own secrets. */
import { EasypaisaWallet, type EasypaisaOptions } from '../easypaisa/index.ts';
import { gatewayHash, JazzCashWallet, type JazzCashOptions } from '../jazzcash/index.ts';
import type { FrontOptions, Passing } from './broken-front.ts';

/** The senders that a front may speak for. */
export interface Impersonated {
  /** The right password of the bank. */
  readonly onebill?: { readonly password: string };
  readonly jazzcash?: JazzCashOptions;
  readonly easypaisa?: EasypaisaOptions;
}

/** Any PSID: only the times of the made fields are taken. */
const ANY_PSID = '10100000000000000';

const isFlat = (body: string): boolean => {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
  } catch {
    return false;
  }
};

function asJazzCash(passing: Passing, options: JazzCashOptions): Passing {
  const wallet = new JazzCashWallet(options);
  const { pp_TxnDateTime: now = '' } = wallet.fieldsOf('INQ', ANY_PSID);
  // It was checked to be an object; a value that is no text is the suite's garbage and is refused behind.
  const given = JSON.parse(passing.body) as Record<string, string>;
  const fields: Record<string, string> = { ...given, pp_TxnDateTime: now };
  // A payment keeps its number: a replayed one is the engine's business.
  if (!('pp_Amount' in fields)) fields['pp_TxnRefNo'] = wallet.newReference();
  const signed = { ...fields, pp_SecureHash: gatewayHash(fields, options.salt) };
  return { ...passing, body: JSON.stringify(signed) };
}

function asEasypaisa(passing: Passing, options: EasypaisaOptions): Passing {
  const wallet = new EasypaisaWallet(options);
  const { request } = JSON.parse(passing.body) as { request?: Record<string, string> };
  if (request === undefined) return passing;
  const isInquiry = request['transactionType'] === 'INQ';
  const transactionId = isInquiry ? wallet.newTransactionId() : (request['transactionId'] ?? '');
  const { requestDateTime = '' } = wallet.fieldsOf('INQ', ANY_PSID);
  return { ...passing, body: wallet.sign({ ...request, transactionId, requestDateTime }) };
}

/** Makes each request one that its sender made himself, now. A teller's token is learnt from the first that bears one. */
export function makeImpersonator(of: Impersonated): FrontOptions['impersonate'] {
  let authorization = '';
  return (passing) => {
    const { path, headers, body } = passing;
    if (path.startsWith('/onebill/') && of.onebill !== undefined)
      return { ...passing, headers: { ...headers, password: of.onebill.password } };
    if (path.startsWith('/otc/')) {
      const given = headers['authorization'] ?? '';
      if (given.length > 10) authorization = given;
      return { ...passing, headers: { ...headers, authorization } };
    }
    if (!isFlat(body)) return passing;
    if (path.startsWith('/jazzcash/') && of.jazzcash !== undefined)
      return asJazzCash(passing, of.jazzcash);
    if (path.startsWith('/easypaisa/') && of.easypaisa !== undefined)
      return asEasypaisa(passing, of.easypaisa);
    return passing;
  };
}

/** True when an answer of any channel tells that there is such a bill. */
export function tellsOfBill(answer: string): boolean {
  return /"(pp_BillStatus|billStatus|consumerName)"|"response_Code":"00"/.test(answer);
}
