import { describe, expect, it } from '@jest/globals';
import { secureRandom } from '../../kernel/ids.ts';
import { backOffMs } from '../outbound/index.ts';
import { judgeAnswer } from './delivery.ts';
import { eventIdText, parseEventId } from './event.ts';
import { isSigned, secretText, signedHeaders } from './signature.ts';

// The example of the Standard Webhooks documentation.
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const BODY = '{"test": 2432232314}';
const AT = new Date(1_614_265_330_000);
const key = Buffer.from(SECRET.slice(6), 'base64');

describe('the signature of a webhook', () => {
  it('is that of the published example', () => {
    expect(signedHeaders(ID, AT, BODY, [key])).toEqual({
      'webhook-id': ID,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
    expect(secretText(key)).toBe(SECRET);
  });

  const right = { ...signedHeaders(ID, AT, BODY, [key]) };
  const later = (seconds: number): Date => new Date(AT.getTime() + seconds * 1_000);
  it.each([
    ['as it was sent', right, BODY, SECRET, later(0), true],
    ['within five minutes', right, BODY, SECRET, later(300), true],
    ['after more than five minutes', right, BODY, SECRET, later(301), false],
    ['from the future', right, BODY, SECRET, later(-301), false],
    ['with another body', right, BODY.replace('2432', '2433'), SECRET, AT, false],
    ['with another id', { ...right, 'webhook-id': 'msg_x' }, BODY, SECRET, AT, false],
    ['with another time', { ...right, 'webhook-timestamp': '1614265331' }, BODY, SECRET, AT, false],
    ['with a time that is none', { ...right, 'webhook-timestamp': '1e9' }, BODY, SECRET, AT, false],
    ['by another secret', right, BODY, secretText(Buffer.alloc(32)), AT, false],
    ['without a signature', { ...right, 'webhook-signature': undefined }, BODY, SECRET, AT, false],
    [
      'as the second of two signatures',
      signedHeaders(ID, AT, BODY, [Buffer.alloc(32), key]),
      BODY,
      SECRET,
      AT,
      true,
    ],
  ])('%s', (_name, headers, body, secret, now, expected) => {
    expect(isSigned({ ...headers }, body, secret, now)).toBe(expected);
  });

  it('goes with an id that can be read back', () => {
    expect(parseEventId(eventIdText(7, 123_456n))).toEqual({ shard: 7, eventId: 123_456n });
    for (const text of ['evt_7_1', 'evt_07_', 'evt_07_1x', 'evt_007_1', '', 'evt_07_-1'])
      expect(parseEventId(text)).toBeUndefined();
  });
});

describe('an answer to a webhook', () => {
  it.each([
    [{ kind: 'answered', status: 200, body: '' }, 'delivered'],
    [{ kind: 'answered', status: 299, body: '' }, 'delivered'],
    [{ kind: 'answered', status: 301, body: '' }, 'failed'],
    [{ kind: 'answered', status: 400, body: '' }, 'failed'],
    [{ kind: 'answered', status: 410, body: '' }, 'gone'],
    [{ kind: 'answered', status: 500, body: '' }, 'failed'],
    [{ kind: 'unknown', reason: 'timeout' }, 'failed'],
    [{ kind: 'not-sent', reason: 'ECONNREFUSED' }, 'failed'],
    [{ kind: 'refused-here', reason: 'is no URL' }, 'failed'],
  ] as const)('%j is %s', (result, outcome) => {
    expect(judgeAnswer(result).outcome).toBe(outcome);
  });
});

describe('the pause before the next attempt', () => {
  it('doubles, lies between half and all of it, and has an end', () => {
    const bounds = { firstMs: 1_000, longestMs: 60_000 };
    for (const [attempts, whole] of [
      [0, 1_000],
      [1, 1_000],
      [2, 2_000],
      [3, 4_000],
      [7, 60_000],
      [1_000, 60_000],
    ] as const)
      for (let time = 0; time < 50; time += 1) {
        const pause = backOffMs(attempts, bounds, secureRandom);
        expect(pause).toBeGreaterThanOrEqual(whole / 2);
        expect(pause).toBeLessThanOrEqual(whole);
      }
  });
});
