/** Answers: which MTI, which fields of the request are echoed, what is added. */
import type { BusinessDate } from '../../../kernel/clock.ts';
import type { ResultCode } from '../../../kernel/result-code.ts';
import { settlementDate } from './bill-data.ts';
import type { IsoMessage } from './message.ts';
import type { MessageSpec } from './specs/spec.ts';
import { RESPONSE_CODES, responseText } from './result-codes.ts';

/** Request fields that an answer repeats; card tracks, PIN and chip data never are. */
const ECHOED = [2, 3, 4, 7, 11, 12, 13, 18, 32, 33, 37, 41, 42, 48, 49, 70, 90] as const;

/** What an answer tells in addition; a dialect may lack it. */
const OPTIONAL = [15, 44, 120, 121] as const;

/**
 * The answer's message type: 0200 and its repeat 0201 are answered with 0210, 0220 and 0221 with 0230, and so
 * in each class. Undefined for what is itself an answer or no message type.
 */
export function answerType(mti: string): string | undefined {
  if (mti.length !== 4) return undefined;
  if (mti[2] === '0') return `${mti.slice(0, 2)}10`;
  if (mti[2] === '2') return `${mti.slice(0, 2)}30`;
  return undefined;
}

export interface AnswerContent {
  readonly result: ResultCode;
  /** The business date the answer belongs to. */
  readonly businessDate: BusinessDate;
  /** Fields added to or put over those echoed. */
  readonly fields?: readonly (readonly [number, string])[];
  /** For a format error: the data element at fault. */
  readonly malformedField?: number | undefined;
}

/**
 * Builds the answer to a request (or to what could be read of it). Undefined when it takes no answer. A field of our
 * own that the dialect does not have (DE 44, 120, 121) is left out.
 */
export function buildAnswer(
  request: IsoMessage,
  content: AnswerContent,
  spec: MessageSpec,
): IsoMessage | undefined {
  const mti = answerType(request.mti);
  if (mti === undefined) return undefined;
  const fields = new Map<number, string>();
  for (const number of ECHOED) {
    const value = request.fields.get(number);
    if (value !== undefined) fields.set(number, value);
  }
  if (request.mti[1] !== '8') fields.set(15, settlementDate(content.businessDate));
  fields.set(39, RESPONSE_CODES[content.result]);
  if (content.result !== 'approved') {
    const field = content.malformedField;
    fields.set(
      44,
      responseText(content.result) +
        (field === undefined ? '' : ` DE ${String(field).padStart(3, '0')}`),
    );
  }
  for (const [number, value] of content.fields ?? []) fields.set(number, value);
  for (const number of OPTIONAL) if (spec.fields[number] === undefined) fields.delete(number);
  return { mti, fields };
}
