/** Mutual TLS with real certificates made by openssl: none, of another authority, not bound, revoked, and the right one. */
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startIso8583Connector } from './connector.ts';
import { AMOUNT, INSTITUTION, LineHarness, UNPAID, answered, until } from './line-harness.ts';
import type { BankSwitch } from '../../simulators/bank-switch/index.ts';
import type { Iso8583Listener } from './listener.ts';
import type { Iso8583Tls } from './tls.ts';

let folder: string;
const at = (name: string): string => path.join(folder, name);
const read = (name: string): string => readFileSync(at(name), 'utf8');
const openssl = (...words: string[]): void => {
  execFileSync('openssl', words, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
};
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

function makeAuthority(name: string): void {
  openssl(
    ...'req -x509 -days 2'.split(' '),
    ...NEW_KEY,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.pem`,
    '-subj',
    `/O=Test/CN=${name}`,
  );
  writeFileSync(at(`${name}.index`), '');
  writeFileSync(
    at(`${name}.conf`),
    `[ca]\ndefault_ca=it\n[it]\ndatabase=${name}.index\ncertificate=${name}.pem\nprivate_key=${name}.key\ndefault_md=sha256\ndefault_crl_days=2\n`,
  );
}

function makeCertificate(name: string, authority: string): void {
  openssl(
    'req',
    ...NEW_KEY,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.csr`,
    '-subj',
    `/O=Test Bank/CN=${name}`,
  );
  writeFileSync(at(`${name}.ext`), 'subjectAltName=DNS:switch.test\n');
  openssl(
    ...[
      'x509',
      '-req',
      '-days',
      '2',
      '-in',
      `${name}.csr`,
      '-CA',
      `${authority}.pem`,
      '-CAkey',
      `${authority}.key`,
    ],
    ...['-CAcreateserial', '-extfile', `${name}.ext`, '-out', `${name}.pem`],
  );
}

const revocations = (authority: string): string => {
  openssl('ca', '-config', `${authority}.conf`, '-gencrl', '-out', `${authority}.crl`);
  return read(`${authority}.crl`);
};
const fingerprint = (name: string): string =>
  createHash('sha256')
    .update(new X509Certificate(read(`${name}.pem`)).raw)
    .digest('hex');

let line: LineHarness;
let listener: Iso8583Listener;
let server: Iso8583Tls;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sanad-tls-'));
  for (const name of ['authority', 'stranger']) makeAuthority(name);
  for (const name of ['server', 'right', 'other', 'revoked']) makeCertificate(name, 'authority');
  makeCertificate('foreign', 'stranger');
  openssl('ca', '-config', 'authority.conf', '-revoke', 'revoked.pem');
  server = {
    key: read('server.key'),
    cert: read('server.pem'),
    ca: read('authority.pem'),
    crl: revocations('authority'),
  };
});
afterAll(() => rmSync(folder, { recursive: true }));

beforeEach(async () => {
  line = new LineHarness();
  line.setSettings({
    certificates: [{ sha256: fingerprint('right') }, { sha256: fingerprint('revoked') }],
  });
  listener = await line.start({ tls: server });
});
afterEach(() => line.stop());

function bankWith(name?: string): Promise<BankSwitch> {
  const own = name === undefined ? {} : { key: read(`${name}.key`), cert: read(`${name}.pem`) };
  return line.bank({ tls: { ca: read('authority.pem'), serverName: 'switch.test', ...own } });
}

/** DE 39 of the sign-on, or that the connection was closed; TLS 1.3 refuses a client only after it has connected. */
async function signOnWith(name?: string): Promise<string> {
  let bank: BankSwitch;
  try {
    bank = await bankWith(name);
  } catch {
    return 'closed';
  }
  const exchange = await bank.signOn();
  return exchange.answered ? exchange.code : exchange.reason;
}

describe('a client', () => {
  it('with the right certificate pays', async () => {
    const bank = await bankWith('right');
    expect(answered(await bank.signOn()).code).toBe('00');
    expect(answered(await bank.pay(UNPAID, AMOUNT)).code).toBe('00');
    expect(line.engine.standing).toBe(1);
  });

  it.each([
    ['without a certificate', undefined],
    ['with a certificate of another authority', 'foreign'],
    ['with a revoked certificate', 'revoked'],
  ])('%s gets no connection', async (_, name) => {
    expect(await signOnWith(name)).toBe('closed');
    await until(() => line.logged.includes('A TLS handshake was refused.'));
    expect(await line.refusals('tls')).toBe(1);
  });

  it('with a certificate that is not its participant’s cannot sign on', async () => {
    expect(await signOnWith('other')).toBe('91');
    expect(await line.refusals('certificate')).toBe(1);
  });

  it('is known by its subject too', async () => {
    line.setSettings({ certificates: [{ subject: 'O=Test Bank, CN=other' }] });
    expect(await signOnWith('other')).toBe('00');
    expect(await signOnWith('right')).toBe('91');
  });

  it('of a participant with no certificate bound is refused on a TLS line', async () => {
    line.setSettings({});
    expect(await signOnWith('right')).toBe('91');
  });

  it('with the bound certificate is refused on a plain line', async () => {
    await line.start();
    const bank = await line.bank();
    expect(answered(await bank.signOn()).code).toBe('91');
  });

  it('that says nothing keeps nobody waiting', async () => {
    const silent = connect({ host: '127.0.0.1', port: listener.port });
    silent.on('error', () => undefined);
    await new Promise((resolve) => silent.once('connect', resolve));
    expect(await signOnWith('right')).toBe('00');
    silent.destroy();
  });
});

it('a certificate revoked meanwhile is refused after the list was renewed, without a restart', async () => {
  makeCertificate('late', 'authority');
  line.setSettings({ certificates: [{ sha256: fingerprint('late') }] });
  expect(await signOnWith('late')).toBe('00');
  openssl('ca', '-config', 'authority.conf', '-revoke', 'late.pem');
  listener.renewTls({ ...server, crl: revocations('authority') });
  expect(await signOnWith('late')).toBe('closed');
});

it('a connector proves who it is, and believes only a server that does', async () => {
  const us = new LineHarness();
  us.setSettings({ certificates: [{ subject: 'O=Test Bank, CN=server' }] });
  const ours = await us.start();
  line.register.set('586000', {
    code: 'SANAD',
    name: 'Sanad',
    active: true,
    settings: { iso8583: { certificates: [{ sha256: fingerprint('right') }] } },
  });
  const connectorWith = (ca: string): ReturnType<typeof startIso8583Connector> =>
    startIso8583Connector({
      line: ours.line,
      host: '127.0.0.1',
      port: listener.port,
      institutionId: INSTITUTION,
      ownInstitutionId: '586000',
      tls: {
        key: read('right.key'),
        cert: read('right.pem'),
        ca: read(`${ca}.pem`),
        serverName: 'switch.test',
      },
      waitMs: 10,
      waitMaxMs: 40,
    });
  const deceived = connectorWith('stranger');
  await until(() => deceived.attempts >= 2);
  expect(deceived.isUp).toBe(false);
  await deceived.stop();
  const connector = connectorWith('authority');
  await until(() => connector.isUp);
  await connector.stop();
  await us.stop();
});
