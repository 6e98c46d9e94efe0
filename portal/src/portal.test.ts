import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { escapeHtml, html } from './html.ts';
import { makePortal } from './index.ts';

const servers: Server[] = [];

afterEach(async () => {
  await Promise.all(
    servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))),
  );
});

/** Serves the portal beside an API whose health is as given, as the product does on one port. */
async function serve(ready: boolean): Promise<string> {
  const assets = mkdtempSync(path.join(tmpdir(), 'sanad-assets-'));
  writeFileSync(path.join(assets, 'verify-page.js'), 'export {};');
  const pages = makePortal({ iso8583: '127.0.0.1:8583', trial: true, assets });
  const handler: RequestListener = (request, response) => {
    if (request.url === '/health/ready') response.writeHead(ready ? 200 : 503).end('{}');
    else pages(request, response);
  };
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server has an address with a port.
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

describe('the portal', () => {
  it('shows what runs where and commands to try it', async () => {
    const origin = await serve(true);
    const text = await (await fetch(`${origin}/`)).text();
    for (const part of [
      '127.0.0.1:8583',
      `${origin}/openapi.json`,
      `${origin}/v1/stamp-applications`,
      '/onebill/BillPayment',
      '/v1/verifications',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).toMatch(/>\s*Ready\s*</);
  });

  it('says when the product is not ready', async () => {
    const origin = await serve(false);
    expect(await (await fetch(`${origin}/`)).text()).toMatch(/>\s*Not ready\s*</);
  });

  it('serves the verification page, its style and its script under a strict policy', async () => {
    const origin = await serve(true);
    for (const [where, type] of [
      ['/v', 'text/html'],
      ['/assets/portal.css', 'text/css'],
      ['/assets/verify-page.js', 'text/javascript'],
    ] as const) {
      const response = await fetch(origin + where);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toContain(type);
      expect(response.headers.get('content-security-policy')).toContain("script-src 'self'");
      expect(response.headers.get('content-security-policy')).not.toContain('unsafe');
      const text = await response.text();
      expect(text).not.toMatch(/ on[a-z]+=| style=|<style|<script>/);
      expect(text.replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, '')).not.toMatch(/https?:\/\//);
    }
  });

  it('has no other pages, and no way out of the assets', async () => {
    const origin = await serve(true);
    for (const where of ['/x', '/assets/..%2f..%2fpackage.json', '/assets/none.js', '/v/x']) {
      expect((await fetch(origin + where)).status).toBe(404);
    }
  });

  it('escapes the host that a request names', async () => {
    const origin = await serve(true);
    const { port } = new URL(origin);
    const text = await new Promise<string>((resolve, reject) => {
      import('node:http').then(({ get }) => {
        get(
          { port, host: '127.0.0.1', headers: { host: '"><script>alert(1)</script>' } },
          (answer) => {
            let body = '';
            answer.on('data', (chunk: Buffer) => (body += chunk.toString()));
            answer.on('end', () => resolve(body));
          },
        ).on('error', reject);
      }, reject);
    });
    expect(text).not.toContain('<script>alert');
  });
});

describe('html', () => {
  it('leaves no character of a value able to end text or an attribute', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        expect(escapeHtml(value)).not.toMatch(/[<>"']/);
        expect(html`<p title="${value}">${value}</p>`.html).toBe(
          `<p title="${escapeHtml(value)}">${escapeHtml(value)}</p>`,
        );
      }),
    );
  });

  it('takes pieces and lists of pieces as they are', () => {
    const items = ['a', '<'].map((each) => html`<li>${each}</li>`);
    expect(
      html`<ul>
        ${items}
      </ul>`.html.replaceAll(/\s/g, ''),
    ).toBe('<ul><li>a</li><li>&lt;</li></ul>');
  });
});
