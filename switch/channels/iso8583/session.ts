/**
 * What one connection has agreed: which institutions signed on over it. States of an institution on a
 * connection: absent → signed on (0800/001) → absent (0800/002, or the connection ends). A participant that is
 * switched off in the register, or whose keys or certificates change, is noticed within `REFRESH_MS`.
 */
import type { Clock } from '../../../kernel/clock.ts';
import { Fault } from '../../../kernel/fault.ts';
import type { ResultCode } from '../../../kernel/result-code.ts';
import type { SecretBox } from './key-sealing.ts';
import type { LimitedLog } from '../../participants/index.ts';
import type { LineMetrics } from './line-metrics.ts';
import { parseLineSettings, type CertificateRule, type LineSettings } from './line-settings.ts';

/** A participant as the line needs it. */
export interface Iso8583Participant {
  /** Code as registered; part of every request key. */
  readonly code: string;
  readonly name: string;
  readonly active: boolean;
  /** DE 39 where it differs from the line's own table. */
  readonly answerCodes?: ReadonlyMap<ResultCode, string>;
  /** The member `iso8583` of these is the line's (`line-settings.ts`). */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** What the line asks of the register of participants. */
export interface Iso8583Participants {
  /** The participant whose acquiring institution (DE 32) this is and who may connect from this address. */
  findByInstitution(
    institutionId: string,
    remoteAddress: string,
  ): Promise<Iso8583Participant | undefined>;
}

/** Who is at the other end of a connection. */
export interface Peer {
  readonly remoteAddress: string;
  /** On a TLS line: the certificate that the other end has proved to hold. */
  readonly certificate?: { readonly sha256: string; readonly subject: string };
  /** True on a TLS line: a participant without a certificate rule is then refused. */
  readonly needsCertificate: boolean;
}

/** A participant that passed the register, with its settings. */
export interface Member {
  readonly institutionId: string;
  readonly participant: Iso8583Participant;
  readonly line: LineSettings;
}

/** Counts the connections on which each participant is signed on. */
export interface Presence {
  /** False when the participant has its most connections already. */
  enter(session: Session, member: Member): boolean;
  leave(session: Session, member: Member): void;
}

/** What a session of a line has in addition; without sockets it can do without. */
export interface SessionLine {
  readonly log: LimitedLog;
  readonly metrics: LineMetrics;
  readonly presence: Presence;
  readonly box: SecretBox | undefined;
}

const REFRESH_MS = 5_000;
/** Institutions that one connection may carry. */
const INSTITUTIONS_MAX = 32;

interface SignedOn {
  readonly member: Member;
  readonly checkedAtMs: number;
}

function isNamed(rules: readonly CertificateRule[], peer: Peer): boolean {
  const { certificate } = peer;
  if (certificate === undefined) return false;
  return rules.some((rule) =>
    'sha256' in rule ? rule.sha256 === certificate.sha256 : rule.subject === certificate.subject,
  );
}

export class Session {
  readonly #participants: Iso8583Participants;
  readonly #peer: Peer;
  readonly #clock: Clock;
  readonly #line: SessionLine | undefined;
  readonly #signedOn = new Map<string, SignedOn>();

  /** `peer` is an address when nothing else is known of the other end. */
  constructor(
    participants: Iso8583Participants,
    peer: Peer | string,
    clock: Clock,
    line?: SessionLine,
  ) {
    this.#participants = participants;
    this.#peer = typeof peer === 'string' ? { remoteAddress: peer, needsCertificate: false } : peer;
    this.#clock = clock;
    this.#line = line;
  }

  /** True when any institution is signed on. */
  get isSignedOn(): boolean {
    return this.#signedOn.size > 0;
  }

  /**
   * Asks the register for an institution, without signing it on. Undefined when the register does not know it for
   * this address, has switched it off, its certificate is another, or its settings are wrong: all are answered
   * alike, and the log says which it was.
   */
  async lookUp(institutionId: string): Promise<Member | undefined> {
    const found = await this.#participants.findByInstitution(
      institutionId,
      this.#peer.remoteAddress,
    );
    let reason = 'unknown';
    if (found?.active === true) {
      const member = this.#memberOf(institutionId, found);
      if (member !== undefined && this.#maySpeak(member)) return member;
      reason = member === undefined ? 'settings' : 'certificate';
    }
    this.#line?.metrics.refusals.inc({ reason });
    this.#line?.log.warn({ institution: institutionId, reason }, 'An institution was refused.');
    return undefined;
  }

  /** Signs a member on; false when this connection or the participant has too many already. */
  signOn(member: Member): boolean {
    const known = this.#signedOn.get(member.institutionId);
    if (known === undefined) {
      const isFull = this.#signedOn.size >= INSTITUTIONS_MAX;
      if (isFull || this.#line?.presence.enter(this, member) === false) {
        this.#line?.metrics.refusals.inc({ reason: 'too-many-connections' });
        this.#line?.log.warn(
          { participant: member.participant.code },
          'A sign-on above the limit of connections was refused.',
        );
        return false;
      }
    }
    this.#keep(member);
    return true;
  }

  /** Signs one institution off, or all of the connection when none is named. */
  signOff(institutionId?: string): void {
    const leaving = institutionId === undefined ? [...this.#signedOn.keys()] : [institutionId];
    for (const each of leaving) {
      const known = this.#signedOn.get(each);
      this.#signedOn.delete(each);
      if (known !== undefined) this.#line?.presence.leave(this, known.member);
    }
  }

  /** The participant signed on as this institution, asked again of the register when that is long ago. */
  member(institutionId: string): Member | undefined | Promise<Member | undefined> {
    const known = this.#signedOn.get(institutionId);
    if (known === undefined) return undefined;
    const age = this.#clock.now().getTime() - known.checkedAtMs;
    if (age >= 0 && age < REFRESH_MS) return known.member;
    return this.#refresh(institutionId);
  }

  /** The member that an answer comes from: by its institution, or the only one of the connection. */
  answering(institutionId: string | undefined): Member | undefined {
    if (institutionId !== undefined) return this.#signedOn.get(institutionId)?.member;
    const [only, ...others] = this.#signedOn.values();
    return others.length === 0 ? only?.member : undefined;
  }

  async #refresh(institutionId: string): Promise<Member | undefined> {
    const member = await this.lookUp(institutionId);
    if (member === undefined) this.signOff(institutionId);
    // It may have signed off while the register was asked.
    else if (this.#signedOn.has(institutionId)) this.#keep(member);
    return member;
  }

  #keep(member: Member): void {
    const checkedAtMs = this.#clock.now().getTime();
    this.#signedOn.set(member.institutionId, { member, checkedAtMs });
  }

  #memberOf(institutionId: string, participant: Iso8583Participant): Member | undefined {
    try {
      const line = parseLineSettings(participant.code, participant.settings, this.#line?.box);
      return { institutionId, participant, line };
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#line?.log.error(
        { participant: participant.code, ...error.fields },
        'A participant is shut out: its ISO 8583 settings are wrong.',
      );
      return undefined;
    }
  }

  #maySpeak({ line }: Member): boolean {
    if (!this.#peer.needsCertificate && line.certificates.length === 0) return true;
    return isNamed(line.certificates, this.#peer);
  }
}
