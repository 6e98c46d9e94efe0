/** Who may send payments: registration, and the directory that channels ask before they believe a message. */
export { compileAddressList, unmapAddress } from './address-list.ts';
export {
  makeParticipantDirectory,
  type DirectoryOptions,
  type FullDirectory,
  type NamedParticipant,
  type ParticipantDirectory,
  type SignerDirectory,
} from './directory.ts';
export { Admission, type AdmissionLimits } from './admission.ts';
export { readSettings, SettingsCache } from './channel-settings.ts';
export { LimitedLog } from './limited-log.ts';
export type { Participant } from './participant.ts';
export { hasTrialPayments } from './participant-store.ts';
export { startRefusalWatch, type RefusalWatchOptions } from './refusal-watch.ts';
export { ReplayGuard, type ReplayWindow } from './replay-guard.ts';
export {
  keyPeriodSchema,
  keysValidAt,
  validKey,
  type SecretOpener,
  type ValidKey,
} from './valid-keys.ts';
export {
  listParticipants,
  registerParticipant,
  reviseParticipant,
  type ListedParticipant,
  type ParticipantDraft,
  type RegistrationDeps,
} from './register-participant.ts';
