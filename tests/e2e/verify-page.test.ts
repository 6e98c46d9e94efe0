/** The page that a stamp's QR code opens, in a real browser against a small API of its own. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { chromium, type Browser, type Page } from 'playwright-core';
import { makePortal } from '../../portal/src/index.ts';
import { qrOf, stampDocument, trustList } from '../../stamp-renderer/test-support/samples.ts';
import { verifyQr } from '../../stamp-renderer/index.ts';

const CHROMIUM = '/usr/bin/chromium';
const document = stampDocument();
const code = qrOf(document).replace(/^[^#]*/, '');

let browser: Browser;
let server: Server;
let origin: string;
let assets: string;
/** What the register answers: a status, or undefined for "no such stamp". */
let status: Record<string, unknown> | undefined;
const asked: string[] = [];

beforeAll(async () => {
  if (!existsSync(CHROMIUM)) {
    throw new Error(`This test needs a browser at ${CHROMIUM}: apt-get install chromium.`);
  }
  assets = await mkdtemp(path.join(tmpdir(), 'sanad-assets-'));
  await build({
    entryPoints: {
      'seal-verifier': 'stamp-renderer/browser.ts',
      'verify-page': 'portal/src/browser/verify-page.ts',
    },
    outdir: assets,
    bundle: true,
    format: 'esm',
    target: 'es2020',
    external: ['/assets/*'],
    logLevel: 'error',
  });
  const pages = makePortal({ iso8583: '127.0.0.1:8583', trial: false, assets });
  server = createServer((request, response) => {
    const where = request.url ?? '';
    asked.push(where);
    const answer = (value: unknown): void => {
      response.writeHead(value === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value ?? {}));
    };
    if (where === '/v1/trust-list') answer(trustList);
    else if (where.startsWith('/v1/stamps/')) answer(status);
    else pages(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server has an address with a port.
  origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const report = await verifyQr(code, { trustList, now: new Date() });
  registered = {
    id: document.id,
    kind: document.kind,
    state: 'issued',
    issuedAt: document.issuedAt.toISOString(),
    asOf: new Date().toISOString(),
    recordRoot: report.facts?.recordRoot,
  };
});

let registered: Record<string, unknown> = {};

afterAll(async () => {
  await browser.close();
  await new Promise((resolve) => server.close(resolve));
  await rm(assets, { recursive: true, force: true });
});

async function open(fragment: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 390, height: 844 } });
  const troubles: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') troubles.push(message.text());
  });
  page.on('pageerror', (error) => troubles.push(error.message));
  await page.goto(`${origin}/v${fragment}`);
  if (fragment !== '') await page.locator('#verdict').waitFor({ state: 'visible' });
  // A look-up that finds nothing is told by the browser as a failed load; nothing else may be.
  expect(troubles.filter((text) => !text.includes('404'))).toEqual([]);
  return page;
}

describe('the verification page', () => {
  it('shows seal, log and status of a genuine stamp, and its facts to compare', async () => {
    status = registered;
    const page = await open(code);
    expect(await page.locator('#verdict-en').textContent()).toBe('GENUINE e-stamp.');
    expect(await page.locator('#verdict-ur').textContent()).toBe('ای اسٹامپ اصلی ہے۔');
    expect(await page.locator('#seal .state').textContent()).toBe('Genuine');
    expect(await page.locator('#log .state').textContent()).toBe('Not yet in the log');
    expect(await page.locator('#status .state').textContent()).toBe('Issued and not used');
    const facts = await page.locator('#facts').textContent();
    for (const fact of ['4830-5172-9608-3411', 'Rs. 1,86,900.00', 'Muhammad Bilal Ahmed']) {
      expect(facts).toContain(fact);
    }
    await page.close();
  });

  it('keeps what the seal holds away from every server', async () => {
    asked.length = 0;
    status = registered;
    await (await open(code)).close();
    expect(asked).toContain(`/v1/stamps/${document.id}/status`);
    expect(asked.join(' ')).not.toContain(code.slice(2, 40));
  });

  it('refuses a forged code, a cancelled stamp and one that the register does not have', async () => {
    status = registered;
    const forged = await open(`${code.slice(0, -9)}A${code.slice(-8)}`);
    expect(await forged.locator('#verdict-en').textContent()).toMatch(/^REFUSED\. The signature/);
    expect(await forged.locator('#sealed').isVisible()).toBe(false);
    await forged.close();
    status = { ...registered, state: 'cancelled' };
    const cancelled = await open(code);
    expect(await cancelled.locator('#verdict-en').textContent()).toMatch(/cancelled/);
    await cancelled.close();
    status = undefined;
    const unknown = await open(code);
    expect(await unknown.locator('#verdict-en').textContent()).toMatch(/no such stamp/);
    await unknown.close();
  });

  it('says that a used stamp is used', async () => {
    status = {
      ...registered,
      state: 'delisted',
      stateChangedAt: '2026-11-24T06:00:00.000Z',
      usedFor: '1432/2026',
    };
    const page = await open(code);
    expect(await page.locator('#verdict-en').textContent()).toContain('for deed 1432/2026');
    expect(await page.locator('#verdict').getAttribute('class')).toContain('warn');
    await page.close();
  });

  it('looks a stamp up by its number', async () => {
    status = registered;
    const page = await open('');
    await page.fill('#number', '4830-5172-9608-3411');
    await page.click('button');
    await page.locator('#answer', { hasText: 'Issued and not used' }).waitFor();
    await page.close();
  });
});
