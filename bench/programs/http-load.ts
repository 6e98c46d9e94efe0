/**
 * The load generator of the 1BILL channel: kept-alive connections with one request under way on each, written
 * on plain sockets, since a full HTTP client would cost more of the shared cores than the product does.
 * Arguments: host, port, user name, password, bank mnemonic, file of payables.
 */
import { connect, type Socket } from 'node:net';
import { karachiTime, systemClock } from '../../kernel/clock.ts';
import { PayableFile, serveCommands } from './protocol.ts';

const [host = '', port = '', username = '', password = '', bankMnemonic = '', file = ''] =
  process.argv.slice(2);

const HEADERS = [
  'POST /onebill/BillPayment HTTP/1.1',
  `Host: ${host}:${port}`,
  'Content-Type: application/json',
  `username: ${username}`,
  `password: ${password}`,
  'Content-Length: ',
].join('\r\n');

/** One kept-alive connection. */
class Line {
  readonly #socket: Socket;
  #received = '';
  #settle: ((reason: string | undefined) => void) | undefined;
  isOpen = true;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      this.#received += chunk.toString();
      this.#read();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isOpen = false;
      this.#settle?.('connection closed');
    });
  }

  exchange(body: string): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#settle = resolve;
      // Headers and bodies are ASCII.
      this.#socket.write(`${HEADERS}${String(body.length)}\r\n\r\n${body}`, 'latin1');
    });
  }

  #read(): void {
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#received.slice(0, end))?.[1];
    const from = end + 4;
    const to = from + Number(length ?? 0);
    if (this.#received.length < to) return;
    const status = this.#received.slice(9, 12);
    const code = /"response_Code":"(..)"/.exec(this.#received.slice(from, to))?.[1];
    this.#received = this.#received.slice(to);
    this.#settle?.(code === '00' ? undefined : `${status}/${code ?? 'no code'}`);
  }
}

function openLine(): Promise<Line> {
  const socket = connect({ host, port: Number(port), noDelay: true });
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(new Line(socket)));
    socket.once('error', reject);
  });
}

const payables = new PayableFile(file);
const idle: Line[] = [];
/** Requests that wait for a connection, when all that may be open are busy. */
const queue: ((line: Line) => void)[] = [];
const CONNECTIONS_MAX = 512;
let opened = 0;
let sequence = 0;

async function takeLine(): Promise<Line> {
  for (let line = idle.pop(); line !== undefined; line = idle.pop()) if (line.isOpen) return line;
  if (opened < CONNECTIONS_MAX) {
    opened += 1;
    return openLine();
  }
  return new Promise((resolve) => queue.push(resolve));
}

function giveBack(line: Line): void {
  if (!line.isOpen) {
    opened -= 1;
    return;
  }
  const next = queue.shift();
  if (next === undefined) idle.push(line);
  else next(line);
}

let second = 0;
let [tranDate, tranTime] = ['', ''];

await serveCommands(async (index) => {
  const { psid, amount } = payables.at(index);
  const now = systemClock.now();
  if (Math.floor(now.getTime() / 1_000) !== second) {
    second = Math.floor(now.getTime() / 1_000);
    const at = karachiTime(now);
    tranDate = at.year + at.month + at.day;
    tranTime = at.hour + at.minute + at.second;
  }
  sequence += 1;
  // Taken before anything is waited for: two requests with one id would be one request.
  const tranAuthId = sequence.toString(36).toUpperCase().padStart(6, '0');
  const line = await takeLine();
  const reason = await line.exchange(
    JSON.stringify({
      consumer_number: psid,
      tran_auth_id: tranAuthId,
      transaction_amount: amount.slice(3),
      tran_date: tranDate,
      tran_time: tranTime,
      bank_mnemonic: bankMnemonic,
      reserved: '',
    }),
  );
  giveBack(line);
  return reason;
});
process.exit(0);
