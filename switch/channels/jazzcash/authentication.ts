/**
 * Who asks. Biller form: merchant id, password and a right `pp_SecureHash`. Voucher form: a right `pp_SecureHash`
 * under a salt of the merchant in the address. Whatever is wrong, the sender hears the same.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../../kernel/clock.ts';
import {
  keysValidAt,
  type Participant,
  type SettingsCache,
  type SignerDirectory,
} from '../../participants/index.ts';
import type { Fields } from './codec.ts';
import { bearsSecureHash } from './secure-hash.ts';
import type { JazzCashSettings } from './settings.ts';

/** A sender that proved itself, and the salt that signs the answer. */
export interface Sender {
  readonly participant: Participant;
  readonly salt: Buffer;
}

export interface AuthenticationDeps {
  readonly participants: SignerDirectory;
  readonly settings: SettingsCache<JazzCashSettings>;
  readonly clock: Clock;
}

const USERNAME_MAX = 64;
const PASSWORD_MAX = 128;

function proved(
  participant: Participant | undefined,
  fields: Fields,
  { settings: known, clock }: AuthenticationDeps,
): (Sender & { readonly settings: JazzCashSettings }) | undefined {
  const settings = participant === undefined ? undefined : known.of(participant);
  const valid = keysValidAt(settings?.salts ?? [], clock.now().getTime()).map(({ key }) => key);
  const [newest] = valid;
  // The hash is looked at even when there is nobody, so that the answer costs the same.
  const isRight = bearsSecureHash(fields, valid);
  if (!isRight || participant === undefined || settings === undefined || newest === undefined) {
    return undefined;
  }
  return { participant, salt: newest, settings };
}

/** The sender of a biller request, or undefined. */
export async function authenticateBiller(
  fields: Fields,
  remoteAddress: string,
  deps: AuthenticationDeps,
): Promise<Sender | undefined> {
  const merchantId = fields.get('pp_MerchantID') ?? '';
  const password = fields.get('pp_Password') ?? '';
  if (merchantId.length > USERNAME_MAX || password.length > PASSWORD_MAX) return undefined;
  const { participants } = deps;
  const participant = await participants.findByCredentials(merchantId, password, remoteAddress);
  return proved(participant?.channel === 'jazzcash' ? participant : undefined, fields, deps);
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The sender of a notification for the merchant named in the address, or undefined. */
export async function authenticateNotification(
  merchantId: string,
  fields: Fields,
  from: { readonly remoteAddress: string; readonly deps: AuthenticationDeps },
): Promise<Sender | undefined> {
  const { remoteAddress, deps } = from;
  if (merchantId.length > USERNAME_MAX) return undefined;
  const signer = await deps.participants.findSigner('jazzcash', merchantId, remoteAddress);
  const sender = proved(signer, fields, deps);
  const named = fields.get('pp_MerchantID') ?? '';
  if (sender === undefined || (named !== '' && named !== merchantId)) return undefined;
  // The gateway sends our own password back; where we know it, it must be that one.
  const password = fields.get('pp_Password') ?? '';
  const { merchantPassword } = sender.settings;
  if (password === '' || merchantPassword === undefined) return sender;
  return timingSafeEqual(digest(password), digest(merchantPassword)) ? sender : undefined;
}
