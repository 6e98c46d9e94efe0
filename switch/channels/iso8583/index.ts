/** The ISO 8583 channel: codec, framing, profiles and the line between participants' switches and ours. */
export { pack, unpack } from './codec.ts';
export {
  startIso8583Connector,
  type Iso8583Connector,
  type Iso8583ConnectorOptions,
} from './connector.ts';
export { makeCutovers, type Cutover, type Iso8583Cutovers } from './cutovers.ts';
export { makeForwardStore } from './forward-store.ts';
export { Forwarder, type Forward, type ForwardStore, type ForwarderOptions } from './forwarder.ts';
export {
  DEFAULT_FRAMING,
  FRAME_MAX,
  FrameReader,
  frameMessages,
  splitFrame,
  type Framing,
} from './framing.ts';
export { makeSecretBox, type SealingKey, type SecretBox } from './key-sealing.ts';
export {
  macKeyContext,
  parseLineSettings,
  type MacKey,
  type MacSettings,
} from './line-settings.ts';
export {
  DEFAULT_ISO8583_LIMITS,
  startIso8583Listener,
  type Iso8583Limits,
  type Iso8583Listener,
  type Iso8583ListenerOptions,
} from './listener.ts';
export { MalformedMessage } from './malformed.ts';
export { packWithMac, verifyMac } from './message-mac.ts';
export { describe, maskField, type IsoMessage } from './message.ts';
export { Mux, matchKey, type Silence } from './mux.ts';
export { loadProfile, parseProfile } from './profile-file.ts';
export { DEFAULT_PROFILE, type Iso8583Profile } from './profile.ts';
export type { Iso8583Participant, Iso8583Participants } from './session.ts';
export { SPECS, SPEC_NAMES, type SpecName } from './specs/index.ts';
export type { MessageSpec } from './specs/spec.ts';
export type { Iso8583Tls } from './tls.ts';
export { decodeToJson, encodeFromJson, findSpec, type IsoMessageJson } from './tool.ts';
