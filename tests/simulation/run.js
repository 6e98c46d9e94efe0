// `npm run test:simulation`: bundles the simulation from the sources on the spot, so that it never runs an old
// build, and runs it.
import { build } from 'esbuild';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const outfile = path.join(root, 'node_modules/.cache/sanad', `simulation-${process.pid}.mjs`);
await build({
  entryPoints: [path.join(root, 'tests/simulation/main.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  logLevel: 'error',
});
const { simulate } = await import(pathToFileURL(outfile).href);
await rm(outfile);
try {
  process.exitCode = (await simulate(process.argv.slice(2))) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
