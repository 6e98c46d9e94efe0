/** `settings.answerCodes`: the answer codes of one participant's dialect, by result code. */
import { Fault } from '../../kernel/fault.ts';
import { isResultCode, type ResultCode } from '../../kernel/result-code.ts';
import type { ChannelName } from '../payment/index.ts';

/** Characters in an answer code of each channel. */
const WIDTH: Readonly<Record<ChannelName, number>> = {
  iso8583: 2,
  onebill: 2,
  jazzcash: 3,
  easypaisa: 4,
  otc: 2,
};

function refuse(problem: string): never {
  throw new Fault('config-invalid', 'The answer codes of a participant are wrong.', {
    fields: { problem },
  });
}

/**
 * Reads the overrides out of a participant's settings. Refuses (`config-invalid`) an unknown result code, a
 * code that is not letters or digits of the channel's width, any override of `approved`, and a refusal mapped to zeros:
 * every channel's word for success is zeros, and a refusal must never read as one.
 */
export function parseAnswerCodes(
  settings: Readonly<Record<string, unknown>>,
  channel: ChannelName,
): ReadonlyMap<ResultCode, string> {
  const given = settings['answerCodes'];
  if (given === undefined) return new Map();
  if (typeof given !== 'object' || given === null || Array.isArray(given)) refuse('not an object');
  const codes = new Map<ResultCode, string>();
  for (const [result, code] of Object.entries(given)) {
    if (!isResultCode(result)) refuse('unknown result code');
    if (result === 'approved') refuse('approved cannot be renamed');
    if (typeof code !== 'string' || !/^[0-9A-Za-z]+$/.test(code)) refuse('malformed code');
    if (code.length !== WIDTH[channel]) refuse('code of a wrong width');
    if (/^0+$/.test(code)) refuse('a refusal cannot read as success');
    codes.set(result, code);
  }
  return codes;
}
