// Runs the `main` of a test's driver from the sources. What the driver starts as the product runs from dist/, as
// `npx sanad` does: run `npm run build` after a change.
import { importSource } from './bundle.js';

/** Exit code 0: `main` of tests/<name>/main.ts answered true; 1: false; 2: it failed. */
export async function runMain(name) {
  try {
    const { main } = await importSource(`tests/${name}/main.ts`);
    process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 2;
  }
}
