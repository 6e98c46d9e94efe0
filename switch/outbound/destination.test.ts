/** Addresses that somebody else says: every trick of server-side request forgery that we know, and what is right. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { Fault } from '../../kernel/fault.ts';
import { makeCaller } from './call.ts';
import {
  isPublicAddress,
  parseDestination,
  resolveDestination,
  type DestinationPolicy,
  type ResolvedAddress,
} from './destination.ts';

const STRICT: DestinationPolicy = { allowedHosts: [], allowLoopback: false };
const PUBLIC: ResolvedAddress = { address: '93.184.216.34', family: 4 };

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'allowed';
  } catch (error) {
    return error instanceof Fault ? error.code : 'crashed';
  }
}

describe('an address for a webhook', () => {
  it.each([
    'https://hooks.excise.punjab.gov.pk/sanad',
    'https://hooks.excise.punjab.gov.pk:443/sanad?x=1',
    'https://hooks.excise.punjab.gov.pk:8443/',
    'https://xn--mgbai9azgqp6j.xn--mgbai9azgqp6j/',
  ])('may be %s', (text) => {
    expect(codeOf(() => parseDestination(text, STRICT))).toBe('allowed');
  });

  it.each([
    // Other schemes.
    'http://hooks.gov.pk/',
    'ftp://hooks.gov.pk/',
    'file:///etc/passwd',
    'gopher://hooks.gov.pk:70/_GET',
    'data:text/plain,x',
    'javascript:alert(1)',
    '//hooks.gov.pk/',
    'hooks.gov.pk',
    'https:hooks.gov.pk/',
    'https:///hooks.gov.pk/',
    'HTTPS://hooks.gov.pk/',
    // Loopback in every notation.
    'https://localhost/',
    'https://a.localhost/',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0x7f.0.0.1/',
    'https://0177.0.0.1/',
    'https://017700000001/',
    'https://0/',
    'https://0.0.0.0/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[0:0:0:0:0:ffff:127.0.0.1]/',
    'https://[::127.0.0.1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[fe80::1%25eth0]/',
    'https://①②⑦.⓪.⓪.①/',
    'https://127。0。0。1/',
    'https://%31%32%37.0.0.1/',
    // Inside and metadata.
    'https://10.0.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://[fd00:ec2::254]/',
    'https://metadata.google.internal/',
    'https://printer.local/',
    'https://db/',
    'https://router.home.arpa/',
    'https://x.onion/',
    // Public, but an IP address.
    'https://93.184.216.34/',
    'https://[2606:2800:220:1::1]/',
    // Users, fragments, ports.
    'https://hooks.gov.pk@127.0.0.1/',
    'https://user:password@hooks.gov.pk/',
    'https://hooks.gov.pk#@evil.example.com/',
    'https://hooks.gov.pk/#x',
    'https://hooks.gov.pk:22/',
    'https://hooks.gov.pk:5432/',
    'https://hooks.gov.pk:0443/',
    'https://hooks.gov.pk:99999/',
    // Read differently by different parsers.
    'https://hooks.gov.pk\\@127.0.0.1/',
    'https:\\\\127.0.0.1/',
    'https://hooks.gov.pk\t.evil.org/',
    'https://hooks.gov.pk\r\nHost: x/',
    ' https://hooks.gov.pk/',
    'https://hooks.gov.pk /',
    'https://hooks.gov.pk./',
    'https://hooks..gov.pk/',
    'https://-hooks.gov.pk/',
    'https://hooks_x.gov.pk/',
    'https://ｈooks.gov.pk/',
    'https://hooks.gov.pk\u0000/',
    'https://',
    '',
    `https://hooks.gov.pk/${'x'.repeat(2_000)}`,
  ])('may not be %j', (text) => {
    expect(codeOf(() => parseDestination(text, STRICT))).toBe('bad-input');
  });

  it.each([
    [
      'loopback by the setting',
      'http://127.0.0.1:8080/x',
      { allowedHosts: [], allowLoopback: true },
    ],
    ['localhost by the setting', 'http://localhost:1/x', { allowedHosts: [], allowLoopback: true }],
    [
      'a host of the list',
      'http://erp.inside:9000/x',
      { allowedHosts: ['erp.inside:9000'], allowLoopback: false },
    ],
    [
      'any port of a host of the list',
      'http://erp.inside:9001/x',
      { allowedHosts: ['erp.inside'], allowLoopback: false },
    ],
  ])('may be %s', (_name, text, policy) => {
    expect(codeOf(() => parseDestination(text, policy))).toBe('allowed');
  });

  it.each([
    [
      'another port than the list says',
      'http://erp.inside:9001/x',
      { allowedHosts: ['erp.inside:9000'], allowLoopback: false },
    ],
    [
      'a host that only ends as one of the list',
      'http://x.erp.inside/',
      { allowedHosts: ['erp.inside'], allowLoopback: false },
    ],
    [
      'loopback by the list of another',
      'http://127.0.0.1/',
      { allowedHosts: ['erp.inside'], allowLoopback: false },
    ],
  ])('may not be %s', (_name, text, policy) => {
    expect(codeOf(() => parseDestination(text, policy))).toBe('bad-input');
  });
});

describe('the addresses of a name', () => {
  it.each([
    ['8.8.8.8', true],
    ['1.1.1.1', true],
    ['172.15.255.255', true],
    ['172.16.0.0', false],
    ['172.31.255.255', false],
    ['172.32.0.0', true],
    ['100.63.255.255', true],
    ['100.64.0.1', false],
    ['192.168.1.1', false],
    ['169.254.169.254', false],
    ['198.18.0.1', false],
    ['224.0.0.1', false],
    ['255.255.255.255', false],
    ['0.0.0.0', false],
    ['2606:4700::1111', true],
    ['::1', false],
    ['::ffff:8.8.8.8', false],
    ['64:ff9b::808:808', false],
    ['fe80::1', false],
    ['fd00::1', false],
    ['ff02::1', false],
    ['2001::1', false],
    ['2001:db8::1', false],
    ['2002:7f00:1::1', false],
    ['not an address', false],
  ])('%s: public %s', (address, expected) => {
    expect(isPublicAddress(address)).toBe(expected);
  });

  const url = new URL('https://hooks.gov.pk/');
  const codes = async (addresses: ResolvedAddress[], policy = STRICT): Promise<string> =>
    resolveDestination(url, policy, () => Promise.resolve(addresses)).then(
      (each) => each.address,
      (error: unknown) => (error instanceof Fault ? error.code : 'crashed'),
    );
  it('must all be public', async () => {
    expect(await codes([PUBLIC])).toBe(PUBLIC.address);
    expect(await codes([PUBLIC, { address: '10.0.0.1', family: 4 }])).toBe('bad-input');
    expect(await codes([{ address: '::ffff:10.0.0.1', family: 6 }])).toBe('bad-input');
    expect(await codes([])).toBe('not-found');
    expect(await codes([{ address: '127.0.0.1', family: 4 }])).toBe('bad-input');
    const listed = { allowedHosts: ['hooks.gov.pk'], allowLoopback: false };
    expect(await codes([{ address: '10.0.0.1', family: 4 }], listed)).toBe('10.0.0.1');
    // The list opens what lies inside, never this machine itself.
    expect(await codes([{ address: '127.0.0.1', family: 4 }], listed)).toBe('bad-input');
  });
});

describe('a call', () => {
  it('goes to the address that was looked at, though the name has another by then', async () => {
    let asked = 0;
    const server = createServer((_request, response) => void response.end('here'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const call = makeCaller(
      { allowedHosts: [`rebound.gov.pk:${String(port)}`], allowLoopback: true },
      () => {
        asked += 1;
        return Promise.resolve([{ address: asked === 1 ? '127.0.0.1' : '192.0.2.1', family: 4 }]);
      },
    );
    const answer = await call({
      method: 'POST',
      url: `http://rebound.gov.pk:${String(port)}/x`,
      headers: {},
      body: '{}',
      timeoutMs: 10_000,
    });
    expect(answer).toEqual({ kind: 'answered', status: 200, body: 'here' });
    expect(asked).toBe(1);
    server.close();
  });

  it('says what it cannot know', async () => {
    const endless = createServer((_request, response) => {
      const more = (): boolean => response.write('x'.repeat(65_536));
      response.on('drain', more);
      more();
      more();
    });
    const silent = createServer(() => undefined);
    for (const server of [endless, silent]) server.listen(0, '127.0.0.1');
    await Promise.all([once(endless, 'listening'), once(silent, 'listening')]);
    const call = makeCaller({ allowedHosts: [], allowLoopback: true });
    const at = (port: number, timeoutMs: number): ReturnType<typeof call> =>
      call({ method: 'GET', url: `http://127.0.0.1:${String(port)}/`, headers: {}, timeoutMs });
    const portOf = (server: typeof silent): number => (server.address() as AddressInfo).port;
    expect(await at(portOf(endless), 30_000)).toEqual({
      kind: 'unknown',
      reason: 'answer too long',
    });
    expect(await at(portOf(silent), 100)).toEqual({ kind: 'unknown', reason: 'timeout' });
    const gone = portOf(silent);
    for (const server of [endless, silent]) {
      server.closeAllConnections();
      server.close();
    }
    await once(silent, 'close');
    expect((await at(gone, 10_000)).kind).toBe('not-sent');
    const strict = makeCaller(STRICT);
    const refused = await strict({
      method: 'GET',
      url: 'http://127.0.0.1/',
      headers: {},
      timeoutMs: 100,
    });
    expect(refused.kind).toBe('refused-here');
  });

  it('ends in time though its name is never answered', async () => {
    const call = makeCaller(STRICT, () => new Promise(() => undefined));
    const url = 'https://never.answered.gov.pk/';
    expect(await call({ method: 'GET', url, headers: {}, timeoutMs: 50 })).toEqual({
      kind: 'not-sent',
      reason: 'timeout',
    });
  });

  it('is not sent where the name does not resolve', async () => {
    const call = makeCaller(STRICT, () => Promise.reject(new Error('ENOTFOUND')));
    const url = 'https://no.such.gov.pk/';
    expect(await call({ method: 'GET', url, headers: {}, timeoutMs: 10_000 })).toEqual({
      kind: 'not-sent',
      reason: 'name not resolved',
    });
  });
});
