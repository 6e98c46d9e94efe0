// Bundles a TypeScript file from the sources on the spot and loads it, so that what tests run is never an old build.
import { build } from 'esbuild';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** The module at `entry`, a path from the root of the repository; libraries stay what node_modules has. */
export async function importSource(entry) {
  const name = `${entry.replaceAll(/\W/g, '-')}-${process.pid}.mjs`;
  const outfile = path.join(root, 'node_modules/.cache/sanad', name);
  await build({
    entryPoints: [path.join(root, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  });
  try {
    return await import(pathToFileURL(outfile).href);
  } finally {
    await rm(outfile);
  }
}
