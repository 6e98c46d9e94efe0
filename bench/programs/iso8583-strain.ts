/**
 * The other ends that a line must bear: `idle` connections that signed on and say nothing; `slowloris`, which begin a
 * frame and send a byte a second; `flood`, which send as much as the line takes: half of them echoes after a
 * sign-on, the others garbage and payments without one, coming back whenever they are turned away.
 * Arguments: idle|slowloris|flood, host, port, institution, number of connections. Prints `ready`; ends when its
 * standard input does, and then prints what it did as JSON.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { frameMessages, pack, SPECS } from '../../switch/index.ts';

const [mode = '', host = '', port = '', institution = '', count = ''] = process.argv.slice(2);
const done = { opened: 0, closedByLine: 0, bytesSent: 0, bytesReceived: 0 };
let isOver = false;

const message = (mti: string, ...fields: (readonly [number, string])[]): Buffer =>
  frameMessages([pack(SPECS['iso87-ascii'], { mti, fields: new Map(fields) })]);
const network = (code: string): Buffer =>
  message('0800', [7, '1124000000'], [11, '000001'], [32, institution], [70, code]);

async function open(): Promise<Socket | undefined> {
  const socket = connect({ host, port: Number(port), noDelay: true });
  socket.on('data', (chunk) => (done.bytesReceived += chunk.length));
  socket.on('close', () => (done.closedByLine += isOver ? 0 : 1));
  return new Promise((resolve) => {
    socket.once('connect', () => {
      done.opened += 1;
      resolve(socket);
    });
    socket.on('error', () => resolve(undefined));
  });
}

async function signOn(socket: Socket): Promise<void> {
  const answer = once(socket, 'data');
  socket.write(network('001'));
  await answer;
}

/** Sends the same bytes as fast as the line reads them, until the socket is closed. */
async function pour(socket: Socket, bytes: Buffer): Promise<void> {
  while (!socket.destroyed) {
    done.bytesSent += bytes.length;
    if (!socket.write(bytes)) {
      await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => undefined);
    } else await sleep(0);
  }
}

async function flood(index: number): Promise<void> {
  const echoes = Buffer.concat(Array.from({ length: 100 }, () => network('301')));
  const garbage = Buffer.concat([
    frameMessages(Array.from({ length: 50 }, () => Buffer.from('0200 not a message'))),
    ...Array.from({ length: 50 }, () => message('0200', [3, '500000'], [32, institution])),
  ]);
  for (;;) {
    const socket = await open();
    if (socket !== undefined) {
      if (index % 2 === 0) await signOn(socket);
      await pour(socket, index % 2 === 0 ? echoes : garbage);
    }
    await sleep(10);
  }
}

async function slow(): Promise<void> {
  const frame = network('001');
  for (;;) {
    const socket = await open();
    for (let at = 0; at < frame.length - 1 && socket?.destroyed === false; at += 1) {
      socket.write(frame.subarray(at, at + 1));
      done.bytesSent += 1;
      await sleep(1_000);
    }
    while (socket?.destroyed === false) await sleep(1_000);
    await sleep(100);
  }
}

const all = Number(count);
if (mode === 'idle') {
  // Some at a time, as the line's queue of connections is not endless.
  for (let index = 0; index < all; index += 100) {
    const some = Array.from({ length: Math.min(100, all - index) }, async () => {
      const socket = await open();
      if (socket !== undefined) await signOn(socket);
    });
    await Promise.all(some);
  }
} else for (let index = 0; index < all; index += 1) void (mode === 'flood' ? flood(index) : slow());
process.stdout.write('ready\n');
process.stdin.resume();
await once(process.stdin, 'end');
isOver = true;
process.stdout.write(`${JSON.stringify(done)}\n`, () => process.exit(0));
