#!/usr/bin/env node
// The `sanad` command: loads the compiled program, or says how to compile it.
import { existsSync } from 'node:fs';

const program = new URL('../dist/bin/main.js', import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  process.stderr.write('sanad: the program is not compiled yet; run: npm ci (or npm run build)\n');
  process.exitCode = 1;
}
