// Bundles the contract to dist/contract.js, one file beside which a peer's host needs only fabric-contract-api and
// fabric-shim. Run by `npm run build --workspace chaincode`, by the packager and by the network's scripts.
import path from 'node:path';
import { build } from 'esbuild';

/** Bundles and returns the path of the bundle. The same sources give the same bytes. */
export async function buildContract(outFolder = path.join(import.meta.dirname, 'dist')) {
  const outfile = path.join(outFolder, 'contract.js');
  await build({
    entryPoints: [path.join(import.meta.dirname, 'src/contract.ts')],
    absWorkingDir: import.meta.dirname,
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  });
  return outfile;
}

if (process.argv[1] === import.meta.filename) await buildContract();
