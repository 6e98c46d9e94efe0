/** HTTP requests of our own to the wallet: bounded in time and size, to an address that is settled, no redirects. */
import { Fault } from '../../../kernel/fault.ts';

const TIMEOUT_MS = 10_000;
const BODY_MAX = 16_384;

async function readBounded(response: Response): Promise<string> {
  if (response.body === null) return '';
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > BODY_MAX) {
      await reader.cancel();
      throw new Fault('message-malformed', 'The wallet’s answer is too long.');
    }
    parts.push(value);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** The body of a 200 answer. A Fault `message-malformed` for any other, `not-found` when there is none in time. */
export async function fetchText(url: URL, init: RequestInit = {}): Promise<string> {
  let response: Response;
  try {
    response = await fetch(url, {
      ...init,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.status === 200) return await readBounded(response);
    await response.body?.cancel();
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('not-found', 'The wallet did not answer.', { cause });
  }
  throw new Fault('message-malformed', 'The wallet refused.', {
    fields: { status: response.status },
  });
}
