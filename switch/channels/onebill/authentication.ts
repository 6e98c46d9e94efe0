/** Who asks: the `username` and `password` headers, and the address the request comes from. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Participant, ParticipantDirectory } from '../../participants/index.ts';

const HEADER_MAX = 128;

function headerText(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && value.length > 0 && value.length <= HEADER_MAX
    ? value
    : undefined;
}

/** The participant of this request, or undefined: the bank is never told which part was wrong. */
export async function authenticate(
  headers: IncomingHttpHeaders,
  remoteAddress: string,
  participants: ParticipantDirectory,
): Promise<Participant | undefined> {
  const username = headerText(headers['username']);
  const password = headerText(headers['password']);
  if (username === undefined || password === undefined) return undefined;
  const participant = await participants.findByCredentials(username, password, remoteAddress);
  return participant?.channel === 'onebill' ? participant : undefined;
}

/**
 * True when the participant may speak for this bank: a bank only for itself, an aggregator (a participant
 * without a mnemonic of its own) for every bank behind it.
 */
export function speaksFor(participant: Participant, bankMnemonic: string): boolean {
  return participant.bankMnemonic === undefined || participant.bankMnemonic === bankMnemonic;
}
