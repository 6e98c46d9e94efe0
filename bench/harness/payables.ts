/** Challans in a file, for a load generator in another process or for more of them than memory should hold. */
import { open } from 'node:fs/promises';
import { payableLine } from '../programs/protocol.ts';
import type { ChallanMaker } from './challans.ts';

/** Makes challans and writes one line for each, in the order in which they were made. */
export async function writePayables(
  maker: ChallanMaker,
  file: string,
  count: number,
): Promise<void> {
  const handle = await open(file, 'a');
  try {
    let writing: Promise<unknown> = Promise.resolve();
    await maker.make(count, (batch) => {
      const text = batch.map(({ psid, amount }) => payableLine(psid, amount)).join('');
      writing = writing.then(() => handle.write(text));
    });
    await writing;
  } finally {
    await handle.close();
  }
}
