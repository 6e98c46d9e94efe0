// Builds the chaincode package ("chaincode as a service") that the organisations install and approve. The same
// sources give the same bytes on every machine, so that each organisation can build it and compare the package id:
// names sorted, times and owners fixed, gzip without compression (its output would differ between zlib versions).
//
//   node chaincode/package-builder.js OUT.tar.gz [LABEL]
//
// The package carries the SHA-256 of the contract's bundle, so that the id stands for the code that is to run.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildContract } from './build.js';

const BLOCK = 512;

function octal(value, length) {
  return `${value.toString(8).padStart(length - 1, '0')}\0`;
}

/** One file as tar (POSIX ustar): header and content, padded to whole blocks. */
function tarEntry(name, content) {
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0, 100, 'utf8');
  header.write(octal(0o644, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(content.length, 12), 124);
  header.write(octal(0, 12), 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
  return Buffer.concat([header, content, padding]);
}

function tarGz(files) {
  const entries = Object.keys(files)
    .sort()
    .map((name) => tarEntry(name, Buffer.from(files[name])));
  const packed = gzipSync(Buffer.concat([...entries, Buffer.alloc(2 * BLOCK)]), { level: 0 });
  packed[9] = 255; // the operating system byte: unknown
  return packed;
}

/**
 * The package's bytes and its id as a peer computes it. Address, certificate and key in `connection.json` are
 * templates, which each peer's builder fills in, so that all organisations install the same package.
 */
export function packageContract(bundle, label) {
  const connection = {
    address: '{{.address}}',
    dial_timeout: '10s',
    tls_required: true,
    client_auth_required: true,
    root_cert: '{{.root_cert}}',
    client_cert: '{{.client_cert}}',
    client_key: '{{.client_key}}',
  };
  const code = tarGz({
    'connection.json': `${JSON.stringify(connection, undefined, 2)}\n`,
    'contract.sha256': `${createHash('sha256').update(bundle).digest('hex')}\n`,
  });
  const bytes = tarGz({
    'code.tar.gz': code,
    'metadata.json': `${JSON.stringify({ type: 'ccaas', label })}\n`,
  });
  return { bytes, id: `${label}:${createHash('sha256').update(bytes).digest('hex')}` };
}

if (process.argv[1] === import.meta.filename) {
  const { version } = JSON.parse(
    readFileSync(path.join(import.meta.dirname, 'package.json'), 'utf8'),
  );
  const [out, label = `sanad_${version}`] = process.argv.slice(2);
  if (out === undefined) throw new Error('Say where to write the package: OUT.tar.gz [LABEL]');
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sanad-contract-'));
  try {
    const built = packageContract(readFileSync(await buildContract(folder)), label);
    mkdirSync(path.dirname(path.resolve(out)), { recursive: true });
    writeFileSync(out, built.bytes);
    process.stdout.write(`${built.id}\n`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
