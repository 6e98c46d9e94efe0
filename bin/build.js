// Compiles the sources to dist/ and bundles what a browser loads. Run by `npm ci` (prepare) and `npm run build`.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
});

// Plain JavaScript beside the sources (a worker thread's program) goes along.
for (const name of readdirSync('stamp-renderer/verification').filter((each) =>
  each.endsWith('.js'),
)) {
  copyFileSync(`stamp-renderer/verification/${name}`, `dist/stamp-renderer/verification/${name}`);
}

/** Browser bundles: the seal's verifier is the renderer's own code; the page script loads it over HTTP. */
const bundles = [
  { from: 'stamp-renderer/browser.ts', to: 'dist/assets/seal-verifier.js' },
  { from: 'portal/src/browser/verify-page.ts', to: 'dist/assets/verify-page.js' },
];
for (const { from, to } of bundles) {
  if (!existsSync(from)) continue;
  await build({
    entryPoints: [from],
    outfile: to,
    bundle: true,
    format: 'esm',
    target: 'es2020',
    minify: true,
    external: ['/assets/*'],
    logLevel: 'error',
  });
}
