/**
 * The certification of an integrator, with the built commands: every channel of a running switch conforms with no rule
 * left out, and a switch that breaks a rule on purpose is found by it.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const CHANNELS = ['onebill', 'jazzcash', 'easypaisa', 'otc', 'iso8583'] as const;
type Channel = (typeof CHANNELS)[number];
const START_MS = 240_000;

interface Running {
  readonly http: string;
  readonly iso8583: string;
  /** The file of the trial participants; told by a broken switch. */
  readonly participants?: string;
}
interface Report {
  readonly conforms: boolean;
  readonly passed: number;
  readonly notRun: number;
  readonly notOfChannel: number;
  readonly rules: readonly { readonly rule: string; readonly outcome: string }[];
}

let folder: string;
let environment: NodeJS.ProcessEnv;
const children: ChildProcess[] = [];

/** Starts a command that prints one JSON document when it is ready and then runs on. */
async function start(...words: string[]): Promise<{ ready: Running; child: ChildProcess }> {
  const child = spawn(process.execPath, ['bin/sanad.js', ...words], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  for (;;) {
    try {
      return { ready: JSON.parse(output) as Running, child };
    } catch {
      // Not whole yet.
      if (child.exitCode !== null) throw new Error(`sanad ${words.join(' ')} did not start`);
      await sleep(50);
    }
  }
}

async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  child.kill('SIGINT');
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

function run(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['bin/sanad.js', ...words],
      { env: environment },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}

async function certify(
  channel: Channel,
  on: Running & { readonly participants: string },
  ...more: string[]
): Promise<{ code: number; report: Report }> {
  const target = channel === 'iso8583' ? on.iso8583 : on.http.replace('http://', '');
  const out = path.join(folder, 'report');
  const { code, stdout, stderr } = await run(
    ...['conformance', '--json', '--strict', '--channel', channel, '--target', target],
    ...['--api', on.http, '--participant', on.participants, '--out', out],
    ...more,
  );
  if (stdout === '') throw new Error(stderr);
  return { code, report: JSON.parse(stdout) as Report };
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sanad-conformance-'));
  environment = {
    PATH: process.env['PATH'],
    SANAD_DATA_DIR: path.join(folder, 'data'),
    SANAD_HTTP_PORT: '0',
    SANAD_ISO8583_PORT: '0',
  };
});
afterAll(async () => {
  for (const child of children) await stop(child);
  await rm(folder, { recursive: true, force: true });
});

describe('a running switch', () => {
  let running: Running & { readonly participants: string };
  let server: ChildProcess;
  beforeAll(async () => {
    const { ready, child } = await start('up', '--json');
    running = { ...ready, participants: path.join(folder, 'data', 'trial.json') };
    server = child;
  }, START_MS);
  afterAll(async () => {
    expect(await stop(server)).toBe(0);
  });

  it.each(CHANNELS)(
    'conforms on %s, no rule left out',
    async (channel) => {
      const { code, report } = await certify(channel, running);
      expect(report.rules.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
      expect(report).toMatchObject({ conforms: true, notRun: 0 });
      expect(report.passed).toBeGreaterThanOrEqual(15);
      expect(code).toBe(0);
      const page = await readFile(
        path.join(folder, 'report', `conformance-${channel}.html`),
        'utf8',
      );
      expect(page).toContain(`Channel ${channel} conforms`);
    },
    START_MS,
  );

  it('is paid, and asked to give back, by the simulators from the command line', async () => {
    const on = (channel: string, verb: string, psid: string) => {
      const target = channel === 'bank' ? running.iso8583 : running.http.replace('http://', '');
      const where = ['--target', target, '--participant', running.participants];
      return run('simulator', channel, verb, psid, ...where);
    };
    // The fixed PSIDs "approved" and "stamp-used" of docs/integrators/sandbox.md.
    for (const channel of ['bank', 'jazzcash', 'easypaisa', 'teller']) {
      const taken = await on(channel, 'reverse', '99900000000000013');
      expect(JSON.parse(taken.stdout)).toMatchObject([
        { step: 'inquire', approved: true, amountPaisa: '186900' },
        { step: 'pay', approved: true },
        { step: 'reverse', approved: true },
      ]);
      expect(taken.code).toBe(0);
    }
    const used = await on('jazzcash', 'reverse', '99900000000000130');
    expect(JSON.parse(used.stdout)).toMatchObject([{}, {}, { approved: false, code: '147' }]);
    expect(used.code).toBe(1);
    expect((await on('onebill', 'repeat', '99900000000000013')).code).toBe(0);
  });

  it('takes new participants of the sandbox, and no real one beside trial payments', async () => {
    const file = 'switch/participants/examples/ubl-omni.json';
    const refused = await run('participant', 'add', file);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('trial payments');
    const added = await run('participant', 'add', file, '--sandbox', '--json');
    expect(JSON.parse(added.stdout)).toMatchObject({
      added: 'UBLOMNI',
      password: expect.stringMatching(/^[\w-]{32}$/) as unknown,
    });
    expect((await run('participant', 'off', 'UBLOMNI')).code).toBe(0);
    expect((await run('participant', 'limits', 'UBLOMNI', '--per-day', '1000000')).code).toBe(0);
    const { stdout } = await run('participant', 'list', '--json');
    const listed = JSON.parse(stdout) as { code: string }[];
    expect(listed).toHaveLength(6);
    expect(listed.find(({ code }) => code === 'UBLOMNI')).toMatchObject({
      active: false,
      sandbox: true,
      limitPerDay: '1000000',
    });
    expect(stdout).not.toContain('sealed');
    expect(stdout).not.toContain('scrypt');
  });

  it('keeps its books whole through all of it', async () => {
    const { code, stdout } = await run('audit', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
    expect(code).toBe(0);
  });

  it('describes every channel in openapi.json', async () => {
    const response = await fetch(new URL('/openapi.json', running.http));
    const { paths } = (await response.json()) as { paths: Record<string, unknown> };
    for (const route of [
      '/onebill/BillPayment',
      '/jazzcash/BillPayment',
      '/easypaisa/bill-payment',
      '/otc/payment',
      '/v1/challans/{psid}/wallet-payments',
    ])
      expect(Object.keys(paths)).toContain(route);
  });
});

describe('a switch that breaks a rule', () => {
  it.each<[string, Channel]>([
    ['reversal-must-match', 'jazzcash'],
    ['used-stamp-is-not-reversed', 'iso8583'],
    ['refusals-have-their-codes', 'onebill'],
    ['forgery-is-refused', 'easypaisa'],
    ['refusal-tells-nothing', 'otc'],
  ])(
    'is found by %s on %s',
    async (rule, channel) => {
      const { ready, child } = await start('simulator', 'broken-switch', '--break', rule);
      const { participants = '' } = ready;
      const on = { ...ready, participants };
      const { code, report } = await certify(channel, on, '--rules', rule);
      expect(report.rules).toMatchObject([{ rule, outcome: 'failed' }]);
      expect(code).toBe(1);
      expect(await stop(child)).toBe(0);
    },
    START_MS,
  );
});
