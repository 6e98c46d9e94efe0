/** The built product as its users meet it: started by its command, paid over real sockets, verified and audited. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase, sql } from '../../kernel/database.ts';
import { systemClock } from '../../kernel/clock.ts';
import { secureRandom } from '../../kernel/ids.ts';
import {
  connectBankSwitch,
  makeOneBillClient,
  type BankSwitch,
} from '../../switch/simulators/index.ts';

interface Running {
  http: string;
  iso8583: string;
  trial: {
    iso8583: { institutionId: string };
    onebill: { username: string; password: string; bankMnemonic: string };
  };
}
interface Applied {
  psid: string;
  amount: string;
  accessToken: string;
}

let folder: string;
let environment: NodeJS.ProcessEnv;
let server: ChildProcess;
let running: Running;
let bank: BankSwitch;

async function start(): Promise<void> {
  server = spawn(process.execPath, ['bin/sanad.js', 'up', '--json'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  server.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()));
  for (;;) {
    try {
      running = JSON.parse(output) as Running;
      return;
    } catch {
      // Not whole yet.
      if (server.exitCode !== null) throw new Error('the product did not start');
      await sleep(50);
    }
  }
}

async function stop(): Promise<number | null> {
  if (server.exitCode !== null) return server.exitCode;
  server.kill('SIGINT');
  const [code] = (await once(server, 'exit')) as [number | null];
  return code;
}

interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function command(...words: string[]): Promise<Said> {
  return commandIn(environment, ...words);
}

function commandIn(env: NodeJS.ProcessEnv, ...words: string[]): Promise<Said> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['bin/sanad.js', ...words], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

async function apply(): Promise<Applied> {
  const person = {
    name: 'Ayesha Khan',
    cnic: '35202-1234567-1',
    contact: '03001234567',
    address: 'Lahore',
  };
  const response = await fetch(`${running.http}/v1/stamp-applications`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'idempotency-key': secureRandom.bytes(16).toString('hex'),
    },
    body: JSON.stringify({
      instrument: 'affidavit',
      district: 'LHR',
      applicant: person,
      firstParties: [person],
      secondParties: [],
      purpose: 'Domicile',
    }),
  });
  expect(response.status).toBe(201);
  return (await response.json()) as Applied;
}

async function connectBank(): Promise<BankSwitch> {
  const [host, port] = running.iso8583.split(':') as [string, string];
  const made = await connectBankSwitch({
    host,
    port: Number(port),
    institutionId: running.trial.iso8583.institutionId,
    terminalId: 'ATM00001',
    clock: systemClock,
    random: secureRandom,
  });
  expect(await made.signOn()).toMatchObject({ answered: true, code: '00' });
  return made;
}

async function stampPdf(applied: Applied, id: string): Promise<string> {
  const response = await fetch(`${running.http}/v1/stamps/${id}/pdf`, {
    headers: { authorization: `Bearer ${applied.accessToken}` },
  });
  expect(response.status).toBe(200);
  const file = path.join(folder, `${id}.pdf`);
  await writeFile(file, Buffer.from(await response.arrayBuffer()));
  return file;
}

async function payAtAtm(
  applied: Applied,
): Promise<{ id: string; file: string; sent: Parameters<BankSwitch['reverse']>[0] }> {
  const paid = await bank.pay(applied.psid, BigInt(applied.amount));
  if (!paid.answered) throw new Error('no answer');
  expect(paid.code).toBe('00');
  const [id] = paid.stampIds;
  return { id: id!, file: await stampPdf(applied, id!), sent: paid.sent };
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sanad-e2e-'));
  environment = {
    ...process.env,
    SANAD_DATA_DIR: path.join(folder, 'data'),
    SANAD_HTTP_PORT: '0',
    SANAD_ISO8583_PORT: '0',
  };
  delete environment['DATABASE_URL'];
  delete environment['NODE_OPTIONS'];
  await start();
  bank = await connectBank();
}, 120_000);

afterAll(async () => {
  await bank.close();
  await stop();
  await rm(folder, { recursive: true, force: true });
});

describe('the product', () => {
  it('issues at an ATM what the command line then proves genuine, and audits to ok', async () => {
    const { file } = await payAtAtm(await apply());
    await sleep(1_000);
    const verified = await command('verify', file, '--json');
    expect(JSON.parse(verified.stdout)).toMatchObject({
      verdict: 'genuine',
      seal: { state: 'genuine' },
      print: { state: 'agrees' },
      status: { state: 'issued' },
    });
    expect(verified.code).toBe(0);
    const audit = await command('audit', '--json');
    expect(JSON.parse(audit.stdout)).toMatchObject({ ok: true });
    expect(audit.code).toBe(0);
  });

  it('takes 1BILL payments, answers the repeat alike and refuses a second payer', async () => {
    const applied = await apply();
    const client = makeOneBillClient({
      baseUrl: running.http,
      username: running.trial.onebill.username,
      password: running.trial.onebill.password,
      bankMnemonic: running.trial.onebill.bankMnemonic,
    });
    expect(await client.inquire(applied.psid)).toMatchObject({
      responseCode: '00',
      billStatus: 'U',
      amountWithinDueDatePaisa: BigInt(applied.amount),
    });
    const paid = await client.pay({
      psid: applied.psid,
      amountPaisa: BigInt(applied.amount),
      tranAuthId: '000001',
      tranDate: '20261123',
      tranTime: '120000',
    });
    expect(paid.responseCode).toBe('00');
    expect(await client.repeat()).toMatchObject({
      responseCode: '00',
      identificationParameter: paid.identificationParameter,
    });
    expect(
      await client.pay({
        psid: applied.psid,
        amountPaisa: BigInt(applied.amount),
        tranAuthId: '000002',
        tranDate: '20261123',
        tranTime: '120001',
      }),
    ).toMatchObject({ responseCode: '03' });
    expect(await bank.pay(applied.psid, BigInt(applied.amount))).toMatchObject({
      answered: true,
      stampIds: [],
    });
  });

  it('refuses a stamp whose payment was reversed', async () => {
    const { file, sent } = await payAtAtm(await apply());
    expect(await bank.reverse(sent)).toMatchObject({ answered: true, code: '00' });
    const verified = await command('verify', file, '--json');
    expect(verified.code).toBe(1);
    expect(verified.stdout).toContain('stamp-cancelled');
  });

  it('lets an officer who is added while it runs use a stamp once, however many ask at once', async () => {
    const { id, file } = await payAtAtm(await apply());
    const added = await command(
      ...'operator add --id sr.model-town --role sub-registrar --from 127.0.0.1,::1'.split(' '),
      '--office',
      'Sub-Registrar, Model Town',
    );
    expect(added.code).toBe(0);
    const token = /^Token, shown once: (\S+)$/m.exec(added.stdout)![1]!;
    const ask = async (where: string, body: object, key: string): Promise<Response> =>
      fetch(`${running.http}${where}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'idempotency-key': key,
          authorization: `Bearer ${token}`,
        },
        body: JSON.stringify(body),
      });
    const find = (): Promise<Response> =>
      ask('/v1/office/searches', { criterion: { by: 'id', id } }, 'search');
    while ((await find()).status === 401) await sleep(200);

    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, attempt) => {
        const deed = `${String(attempt)}/2026, Book 1`;
        const response = await ask(
          '/v1/office/delistings',
          { deed, stamps: [id] },
          `attempt-${String(attempt)}`,
        );
        expect(response.status).toBe(200);
        const { results } = (await response.json()) as {
          results: [{ result: string; message?: { en: string } }];
        };
        return { deed, ...results[0] };
      }),
    );
    const [winner, ...others] = answers.filter(({ result }) => result === 'moved');
    expect(others).toEqual([]);
    const refusals = answers.filter(({ result }) => result !== 'moved');
    for (const { result, message } of refusals) {
      expect(result).toBe('wrong-state');
      expect(message?.en).toMatch(/^Already used on /);
      expect(message?.en).toContain(`for deed ${winner!.deed}.`);
    }
    const verified = await command('verify', file, '--json');
    expect(verified.stdout).toContain(winner!.deed);

    expect((await command('operator', 'remove', '--id', 'sr.model-town')).code).toBe(0);
    while ((await find()).status !== 401) await sleep(200);
  });

  it('survives a message in pieces, two in one packet, garbage, an oversized and a half frame', async () => {
    const [host, port] = running.iso8583.split(':') as [string, string];
    const hostile: Buffer[][] = [
      [Buffer.from([0xff, 0xff, 1, 2, 3])],
      [Buffer.from([0, 40]), Buffer.from('0200')],
      [
        Buffer.concat([
          Buffer.from([0, 4]),
          Buffer.from('abcd'),
          Buffer.from([0, 4]),
          Buffer.from('0800'),
        ]),
      ],
    ];
    for (const packets of hostile) {
      const socket = connect({ host, port: Number(port) });
      await once(socket, 'connect');
      for (const packet of packets) {
        socket.write(packet);
        await sleep(20);
      }
      socket.destroy();
    }
    expect(await bank.echo()).toMatchObject({ answered: true, code: '00' });
    expect((await fetch(`${running.http}/health/ready`)).status).toBe(200);
  });

  it('finds a row that somebody changed behind its back', async () => {
    const applied = await apply();
    const { id } = await payAtAtm(applied);
    await sleep(1_000);
    const cluster = path.join(folder, 'data', 'postgres');
    const password = (await readFile(path.join(cluster, 'password'), 'utf8')).trim();
    const port = (await readFile(path.join(cluster, 'cluster', 'postmaster.pid'), 'utf8')).split(
      '\n',
    )[3]!;
    const database = openDatabase({
      url: `postgres://sanad:${password}@127.0.0.1:${port}/sanad`,
      connectionsMax: 1,
    });
    const change = async (purpose: string): Promise<void> => {
      await database.query(
        sql`update challan set application = jsonb_set(application, '{purpose}', to_jsonb(${purpose}::text)) where psid = ${applied.psid}`,
      );
    };
    await change('Sale of a house');
    const audit = await command('audit', '--json');
    expect(audit.code).toBe(1);
    expect((JSON.parse(audit.stdout) as { alteredFacts: string[] }).alteredFacts).toEqual([
      `${applied.psid}/1`,
    ]);
    await change('Domicile');
    await database.close();
    expect((await fetch(`${running.http}/v1/stamps/${id}/status`)).status).toBe(200);
  });

  it('refuses to start twice on one data folder, in one line', async () => {
    const second = await command('up');
    expect(second.code).toBe(1);
    expect(second.stderr.trim().split('\n')).toHaveLength(1);
    expect(second.stderr).toContain('already runs');
  });

  it('stops cleanly, is proved while it is down, and goes on where it was', async () => {
    const paid = await payAtAtm(await apply());
    const applied = await apply();
    const bundle = path.join(folder, 'bundle.json');
    const make = ['audit', 'bundle', '--stamp', paid.id, '--out', bundle, '--json'];
    let made = await command(...make);
    // Until the next checkpoint is published.
    for (; made.code !== 0; made = await command(...make)) {
      expect(made.stderr).toContain('not yet under a published checkpoint');
      await sleep(250);
    }
    const { key } = JSON.parse(made.stdout) as { key: string };
    await bank.close();
    expect(await stop()).toBe(0);

    // Neither database nor keys of the product: an auditor has the file and the published key.
    const outside = { ...environment, SANAD_DATA_DIR: path.join(folder, 'nothing-here') };
    const verify = (name: string): ReturnType<typeof command> =>
      commandIn(outside, 'audit', 'verify', name, '--key', key, '--json');
    const proved = await verify(bundle);
    expect(proved.code).toBe(0);
    expect(JSON.parse(proved.stdout)).toMatchObject({ ok: true, proved: { stampId: paid.id } });
    const forged = path.join(folder, 'forged.json');
    const text = await readFile(bundle, 'utf8');
    await writeFile(forged, text.replaceAll(paid.id, applied.psid.padEnd(16, '0').slice(0, 16)));
    expect((await verify(forged)).code).toBe(1);

    await start();
    bank = await connectBank();
    expect((await payAtAtm(applied)).id).toMatch(/^\d{16}$/);
    expect((await command('audit', '--json')).code).toBe(0);
  });
});
