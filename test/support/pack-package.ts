import { execFile } from 'node:child_process';
import { cp, readdir, symlink } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';

export const CHECKOUT = resolve(import.meta.dirname, '../..');

/** What is not in a fresh clone. */
const NOT_CHECKED_IN: ReadonlySet<string> = new Set(['.git', '.data', 'coverage', 'dist', 'node_modules']);

/** Variables that `npm test` sets are not for an npm that a test starts. */
export const NPM_ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)),
);

/** `npm pack` in a copy of the checkout, whose own `dist` others may be using; the tarball's path. */
export async function packPackage(directory: string): Promise<string> {
  const copy = join(directory, 'checkout');
  await cp(CHECKOUT, copy, {
    recursive: true,
    filter: (source) => !NOT_CHECKED_IN.has(relative(CHECKOUT, source)),
  });
  await symlink(join(CHECKOUT, 'node_modules'), join(copy, 'node_modules'));
  await promisify(execFile)('npm', ['pack', '--pack-destination', directory], {
    cwd: copy,
    env: NPM_ENVIRONMENT,
  });
  const tarball = (await readdir(directory)).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error(`npm pack left no tarball in ${directory}`);
  return join(directory, tarball);
}
