/**
 * An outsider's reader of a public log, and an outsider's witness, written from the C2SP texts and RFC 6962 alone: they
 * share no line with the product.
 */
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from '@jest/globals';

export const sha256 = (...parts: Uint8Array[]): Buffer => {
  const made = createHash('sha256');
  for (const part of parts) made.update(part);
  return made.digest();
};
const leafOf = (entry: Uint8Array): Buffer => sha256(Buffer.of(0), entry);
const nodeOf = (left: Uint8Array, right: Uint8Array): Buffer => sha256(Buffer.of(1), left, right);

/** MTH of RFC 6962 section 2.1, word for word. */
function treeHash(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0]!;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeOf(treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)));
}

/** SUBPROOF of RFC 6962 section 2.1.2 turned around: the roots that a proof leads to, old and new. */
function rootsOf(
  m: number,
  n: number,
  proof: readonly Uint8Array[],
  oldRoot: Uint8Array,
): [Uint8Array, Uint8Array] {
  const rest = [...proof];
  const walk = (size: number, old: number, whole: boolean): [Uint8Array, Uint8Array] => {
    if (old === size) {
      const root = whole ? oldRoot : rest.shift()!;
      return [root, root];
    }
    let k = 1;
    while (k * 2 < size) k *= 2;
    if (old <= k) {
      const [left, newer] = walk(k, old, whole);
      return [left, nodeOf(newer, rest.shift()!)];
    }
    const right = walk(size - k, old - k, false);
    const left = rest.shift()!;
    return [nodeOf(left, right[0]), nodeOf(left, right[1])];
  };
  const roots = walk(n, m, true);
  if (rest.length > 0) throw new Error('the proof is too long');
  return roots;
}

/** A log as an outsider knows it. */
export interface KnownLog {
  readonly origin: string;
  readonly publicKey: KeyObject;
}

interface ReadNote {
  readonly text: string;
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  readonly signatures: readonly {
    readonly name: string;
    readonly id: Buffer;
    readonly bytes: Buffer;
  }[];
}

export function readNote(note: string): ReadNote {
  const cut = note.indexOf('\n\n');
  const text = note.slice(0, cut + 1);
  const [origin, size, root] = text.split('\n');
  const signatures = note
    .slice(cut + 2)
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [dash, name, encoded] = line.split(' ');
      expect(dash).toBe('—');
      const bytes = Buffer.from(encoded!, 'base64');
      return { name: name!, id: bytes.subarray(0, 4), bytes: bytes.subarray(4) };
    });
  return {
    text,
    origin: origin!,
    size: Number(size),
    root: Buffer.from(root!, 'base64'),
    signatures,
  };
}

function ed25519(raw: Buffer): KeyObject {
  const prefix = Buffer.from('302a300506032b6570032100', 'hex');
  return createPublicKey({ key: Buffer.concat([prefix, raw]), format: 'der', type: 'spki' });
}

export function rawOf(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(-32);
}

function tilePath(index: number): string {
  const digits = String(index).padStart(Math.max(3, Math.ceil(String(index).length / 3) * 3), '0');
  const groups = digits.match(/\d{3}/g)!;
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
}

/** Asks a log at an address. */
export async function get(
  address: string,
  where: string,
): Promise<{ status: number; bytes: Buffer; headers: Headers }> {
  const response = await fetch(`${address}${where}`);
  return {
    status: response.status,
    bytes: Buffer.from(await response.arrayBuffer()),
    headers: response.headers,
  };
}

/** Reads a whole log from its tiles and checks it against its checkpoint. */
export async function readWholeLog(
  log: KnownLog & { readonly address: string },
): Promise<{ note: ReadNote; entries: Buffer[] }> {
  const checkpoint = await get(log.address, '/log/checkpoint');
  expect(checkpoint.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  const note = readNote(checkpoint.bytes.toString('utf8'));
  const own = note.signatures.find(({ name }) => name === log.origin)!;
  const raw = rawOf(log.publicKey);
  expect(own.id).toEqual(sha256(Buffer.from(`${log.origin}\n`), Buffer.of(1), raw).subarray(0, 4));
  expect(verify(null, Buffer.from(note.text), ed25519(raw), own.bytes)).toBe(true);
  const suffix = (count: number, at: number): string =>
    count - at * 256 >= 256 ? '' : `.p/${String(count - at * 256)}`;
  const entries: Buffer[] = [];
  for (let at = 0; at * 256 < note.size; at += 1) {
    const { status, bytes, headers } = await get(
      log.address,
      `/log/tile/entries/${tilePath(at)}${suffix(note.size, at)}`,
    );
    expect([status, headers.get('content-type')]).toEqual([200, 'application/octet-stream']);
    expect(headers.get('cache-control')).toContain('immutable');
    for (let from = 0; from < bytes.length;) {
      const length = bytes.readUInt16BE(from);
      entries.push(bytes.subarray(from + 2, from + 2 + length));
      from += 2 + length;
    }
  }
  let row: Uint8Array[] = entries.map(leafOf);
  expect(row).toHaveLength(note.size);
  expect(treeHash(row)).toEqual(note.root);
  for (let level = 0; row.length > 0; level += 1) {
    for (let at = 0; at * 256 < row.length; at += 1) {
      const { bytes } = await get(
        log.address,
        `/log/tile/${String(level)}/${tilePath(at)}${suffix(row.length, at)}`,
      );
      expect(bytes.equals(Buffer.concat(row.slice(at * 256, at * 256 + 256)))).toBe(true);
    }
    const below = row;
    row = Array.from({ length: Math.floor(below.length / 256) }, (_, at) =>
      treeHash(below.slice(at * 256, at * 256 + 256)),
    );
  }
  return { note, entries };
}

/** A witness that judges as C2SP tlog-witness says. */
export class TestWitness {
  readonly name: string;
  readonly keys = generateKeyPairSync('ed25519');
  size = 0;
  root: Buffer = sha256();
  calls: number[] = [];
  answer: ((body: string) => { status: number; text: string }) | undefined;
  readonly #server: Server;
  readonly #log: KnownLog;
  readonly #now: Date;

  constructor(name: string, log: KnownLog, now: Date) {
    this.name = name;
    this.#log = log;
    this.#now = now;
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        const { status, text } = (this.answer ?? ((each: string) => this.#judge(each)))(body);
        this.calls.push(status);
        response.writeHead(request.url === '/w/add-checkpoint' ? status : 404).end(text);
      });
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get id(): Buffer {
    return sha256(Buffer.from(`${this.name}\n`), Buffer.of(4), rawOf(this.keys.publicKey)).subarray(
      0,
      4,
    );
  }

  get line(): string {
    const key = Buffer.concat([Buffer.of(4), rawOf(this.keys.publicKey)]).toString('base64');
    const { port } = this.#server.address() as AddressInfo;
    return `${this.name}+${this.id.toString('hex')}+${key} http://127.0.0.1:${String(port)}/w/ # of a test`;
  }

  #judge(body: string): { status: number; text: string } {
    const cut = body.indexOf('\n\n');
    const [old = '', ...proof] = body.slice(0, cut).split('\n');
    const note = readNote(body.slice(cut + 2));
    const oldSize = Number(/^old (0|[1-9]\d*)$/.exec(old)![1]);
    const own = note.signatures.find(({ name }) => name === this.#log.origin);
    if (own === undefined || !verify(null, Buffer.from(note.text), this.#log.publicKey, own.bytes))
      return { status: 403, text: '' };
    if (oldSize > note.size) return { status: 400, text: '' };
    if (oldSize !== this.size) return { status: 409, text: `${String(this.size)}\n` };
    if (oldSize > 0) {
      const [older, newer] = rootsOf(
        oldSize,
        note.size,
        proof.map((each) => Buffer.from(each, 'base64')),
        this.root,
      );
      if (!this.root.equals(older) || !note.root.equals(newer)) return { status: 422, text: '' };
    } else if (proof.length > 0) return { status: 422, text: '' };
    this.size = note.size;
    this.root = note.root;
    return { status: 200, text: this.cosign(note.text) };
  }

  cosign(text: string, seconds = BigInt(Math.floor(this.#now.getTime() / 1_000))): string {
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(seconds);
    const message = `cosignature/v1\ntime ${String(seconds)}\n${text}`;
    const signature = sign(null, Buffer.from(message), this.keys.privateKey);
    const encoded = Buffer.concat([this.id, time, signature]).toString('base64');
    return `— other.example/w ${Buffer.alloc(76, 7).toString('base64')}\n— ${this.name} ${encoded}\n`;
  }
}
