/** Finds the folder of the installed package, whether the code runs from source or from `dist/`. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

function find(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const manifest = path.join(folder, 'package.json');
    if (existsSync(manifest)) {
      const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string };
      if (name === 'sanad') return folder;
    }
    const parent = path.dirname(folder);
    if (parent === folder) throw new Error('The package folder of sanad was not found.');
    folder = parent;
  }
}

/** The absolute path of the package's folder: reference data, migrations and fonts are read from here. */
export const packageRoot: string = find();
