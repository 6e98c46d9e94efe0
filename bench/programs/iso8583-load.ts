/**
 * The load generator of the ISO 8583 line: a bank's switch with several connections. It packs and reads with
 * the product's codec and does nothing else of a bank's work, since it runs on the same cores as the product.
 * Arguments: host, port, institution, number of connections, file of payables.
 */
import { connect, type Socket } from 'node:net';
import { systemClock, karachiTime } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/fault.ts';
import { FrameReader, frameMessages, pack, SPECS, unpack } from '../../switch/index.ts';
import { PayableFile, serveCommands } from './protocol.ts';

const SPEC = SPECS['iso87-ascii'];
const [host = '', port = '', institution = '', connectionCount = '', file = ''] =
  process.argv.slice(2);

/** Fields that name an instant, made anew once a second. */
class Times {
  #second = 0;
  transmission = '';
  time = '';
  date = '';

  refresh(): void {
    const now = systemClock.now();
    const second = Math.floor(now.getTime() / 1_000);
    if (second === this.#second) return;
    this.#second = second;
    this.transmission = now.toISOString().slice(5, 19).replace(/[-T:]/g, '');
    const local = karachiTime(now);
    this.time = local.hour + local.minute + local.second;
    this.date = local.month + local.day;
  }
}

const times = new Times();
/** Who waits for the answer with this RRN; DE 39 of the answer. */
const waiting = new Map<string, (code: string) => void>();
let sequence = 0;

class Line {
  readonly #socket: Socket;
  readonly #frames = new FrameReader();
  #outgoing: Buffer[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      for (const frame of this.#frames.push(chunk)) {
        const { fields } = unpack(SPEC, frame);
        const key = fields.get(37) ?? fields.get(11) ?? '';
        waiting.get(key)?.(fields.get(39) ?? 'no code');
        waiting.delete(key);
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      // The product hung up: every request under way is answered with that, and the run reports it.
      for (const [key, settle] of waiting) {
        waiting.delete(key);
        settle('connection closed');
      }
    });
  }

  /** Sends a message of these fields, in ascending order; resolves with DE 39. */
  exchange(mti: string, key: string, fields: Map<number, string>): Promise<string> {
    return new Promise((resolve) => {
      waiting.set(key, resolve);
      if (this.#outgoing.length === 0) setImmediate(() => this.#flush());
      this.#outgoing.push(pack(SPEC, { mti, fields }));
    });
  }

  #flush(): void {
    const messages = this.#outgoing;
    this.#outgoing = [];
    this.#socket.write(frameMessages(messages));
  }
}

async function openLine(index: number): Promise<Line> {
  const socket = connect({ host, port: Number(port), noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  const line = new Line(socket);
  times.refresh();
  const stan = String(index + 1).padStart(6, '0');
  const fields = [
    [7, times.transmission],
    [11, stan],
    [32, institution],
    [70, '001'],
  ] as const;
  const code = await line.exchange('0800', stan, new Map(fields));
  if (code !== '00')
    throw new Fault('internal', 'The product refused the sign-on of the load generator.', {
      fields: { code },
    });
  return line;
}

const payables = new PayableFile(file);
const lines: Line[] = [];
for (let index = 0; index < Number(connectionCount); index += 1) lines.push(await openLine(index));

await serveCommands(async (index) => {
  const { psid, amount } = payables.at(index);
  times.refresh();
  sequence += 1;
  const rrn = String(sequence).padStart(12, '0');
  const fields = new Map([
    [3, '500000'],
    [4, amount.slice(3)],
    [7, times.transmission],
    [11, String(sequence % 1_000_000).padStart(6, '0')],
    [12, times.time],
    [13, times.date],
    [18, '6011'],
    [32, institution],
    [37, rrn],
    [41, 'ATM00001'],
    [42, 'BENCHMARK      '],
    [43, 'SIMULATED TERMINAL       LAHORE       PK'],
    [48, `SANAD   ${psid.padEnd(24)}`],
    [49, '586'],
  ]);
  const line = lines[sequence % lines.length];
  const code = (await line?.exchange('0200', rrn, fields)) ?? 'no line';
  return code === '00' ? undefined : code;
});
process.exit(0);
