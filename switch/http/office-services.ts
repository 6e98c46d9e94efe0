/**
 * The port of the officers' desk: what its routes ask of the product, beside `ApiServices`. Officers prove themselves
 * by an operator's token until there are accounts of staff (issue 9); without operators there is no desk.
 */
import type { StampKind, StampState } from '../../kernel/stamp.ts';
import type { StampCriterion, StampMoveResult } from '../../ledger/index.ts';

export const OPERATOR_ROLES = [
  'sub-registrar',
  'collector',
  'inspector',
  'verifier',
  'sms-gateway',
] as const;
/**
 * A sub-registrar delists, a Collector spoils and refunds, an inspector reads; these three search. A verifier (a court,
 * a bank) checks lists of stamps; an SMS gateway asks for its senders.
 */
export type OperatorRole = (typeof OPERATOR_ROLES)[number];

/** Who is at the desk. */
export interface Operator {
  /** Written down with each move. */
  readonly id: string;
  readonly role: OperatorRole;
  readonly office: string;
}

/** Who may come to the desk. */
export interface OperatorDirectory {
  /** The operator whose token this is, from an address that he may come from; undefined for everybody else. */
  authenticate(token: string, remoteAddress: string): Operator | undefined;
}

export type MoveKindRequest = 'lock' | 'spoil' | 'refund-request' | 'refund-refuse' | 'refund';

export interface MoveRequest {
  readonly kind: MoveKindRequest;
  readonly reason: string;
  /** With `lock` only. */
  readonly deed?: string | undefined;
  readonly stamps: readonly string[];
  readonly requestKey: string;
}

export interface MoveAnswer {
  readonly id: string;
  readonly result: StampMoveResult;
  readonly state?: StampState | undefined;
  readonly stateChangedAt?: string | undefined;
  readonly usedFor?: string | undefined;
  /** Why it was refused, for the officer to read. */
  readonly message?: { readonly en: string; readonly ur: string } | undefined;
}

export interface FoundStampAnswer {
  readonly id: string;
  readonly psid: string;
  readonly challanNumber: string;
  readonly kind: StampKind;
  readonly article: string;
  readonly amount: string;
  readonly issuedAt: string;
  readonly district: string;
  readonly applicant: string;
  readonly state: StampState;
  readonly stateChangedAt?: string | undefined;
  readonly usedFor?: string | undefined;
}

export interface StampEventAnswer {
  readonly kind: MoveKindRequest | 'cancel';
  readonly at: string;
  readonly actor: string;
  readonly office?: string | undefined;
  readonly reason: string;
}

export interface OfficeServices {
  /** Fault `forbidden` for a move that is not of the operator's role. */
  move(operator: Operator, request: MoveRequest): Promise<readonly MoveAnswer[]>;
  /** `next` of the page before goes on; a Fault `bad-input` for another text. */
  search(
    criterion: StampCriterion,
    next?: string,
  ): Promise<{ readonly stamps: readonly FoundStampAnswer[]; readonly next?: string | undefined }>;
  /** What happened to a stamp; undefined when there is none with this id. */
  events(id: string): Promise<readonly StampEventAnswer[] | undefined>;
}
