/** The ISO 8583 channel: codec, framing and the line that banks' switches connect to. */
export { pack, unpack } from './codec.ts';
export { FRAME_MAX, FrameReader, frameMessages } from './framing.ts';
export {
  DEFAULT_ISO8583_LIMITS,
  startIso8583Listener,
  type Iso8583Limits,
  type Iso8583Listener,
  type Iso8583ListenerOptions,
} from './listener.ts';
export { MalformedMessage } from './malformed.ts';
export { describe, maskField, type IsoMessage } from './message.ts';
export { DEFAULT_PROFILE, type Iso8583Profile } from './profile.ts';
export type { Iso8583Participant, Iso8583Participants } from './session.ts';
export { SPECS, SPEC_NAMES, type SpecName } from './specs/index.ts';
export type { MessageSpec } from './specs/spec.ts';
export { decodeToJson, encodeFromJson, findSpec, type IsoMessageJson } from './tool.ts';
