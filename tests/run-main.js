// Bundles a test's driver from the sources on the spot, so that it never runs an old build, and runs its `main`.
// What the driver starts as the product runs from dist/, as `npx sanad` does: run `npm run build` after a change.
import { build } from 'esbuild';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Exit code 0: `main` of tests/<name>/main.ts answered true; 1: false; 2: it failed. */
export async function runMain(name) {
  const outfile = path.join(root, 'node_modules/.cache/sanad', `${name}-${process.pid}.mjs`);
  await build({
    entryPoints: [path.join(root, 'tests', name, 'main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  });
  const { main } = await import(pathToFileURL(outfile).href);
  await rm(outfile);
  try {
    process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 2;
  }
}
