/** Files of the data folder that nobody but the product's account may read. */
import { rename, writeFile } from 'node:fs/promises';

/** Writes a value as JSON, whole or not at all: who reads meanwhile gets the file of before. */
export async function writePrivateJson(file: string, value: unknown): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
