/**
 * What the banks remember: every request they made and every answer that the switch ever gave to it, whether it
 * reached them or not. Written in the terms of the wire; knows nothing of the books.
 */

/** An answer as the bank reads it. */
export interface WireAnswer {
  /** Code and text of the answer, as on the wire: `00`, `94 ALREADY PAID`. */
  readonly code: string;
  /** What the code means for the money. */
  readonly meaning:
    | 'approved'
    | 'in-suspense'
    | 'refused'
    /** Refused since the request's own reversal was there before. */
    | 'reversed'
    /** Refused since the same key came with other content. */
    | 'key-reused'
    /** Nothing is decided; the request may be repeated. */
    | 'unknown';
  readonly authorisation?: string;
  readonly stamps?: readonly string[];
}

/** A request, with all its repeats. */
export interface Asked {
  readonly kind: 'payment' | 'reversal';
  readonly participant: string;
  /** Names the payment at the bank: RRN or tran_auth_id; a reversal carries its payment's. */
  readonly reference: string;
  readonly psid: string;
  readonly amount: bigint;
  readonly answers: WireAnswer[];
  /** Sends it once more and waits for the answer or for the bank's patience to end. */
  readonly repeat: () => Promise<void>;
}

export class BankMemory {
  readonly asked: Asked[] = [];
  readonly codes = new Map<string, number>();

  remember(asked: Asked): Asked {
    this.asked.push(asked);
    return asked;
  }

  /** Keeps an answer at the moment in which the switch gives it. */
  answered(asked: Asked, answer: WireAnswer): void {
    asked.answers.push(answer);
    this.codes.set(answer.code, (this.codes.get(answer.code) ?? 0) + 1);
  }
}

/** True when the bank knows what became of the request. */
export function isDecided(asked: Asked): boolean {
  return asked.answers.some((answer) => answer.meaning !== 'unknown');
}
