/** Who may send payments: registration, and the directory that channels ask before they believe a message. */
export { unmapAddress } from './address-list.ts';
export {
  makeParticipantDirectory,
  type DirectoryOptions,
  type ParticipantDirectory,
} from './directory.ts';
export type { Participant } from './participant.ts';
export {
  listParticipants,
  registerParticipant,
  type ListedParticipant,
  type ParticipantDraft,
  type RegistrationDeps,
} from './register-participant.ts';
