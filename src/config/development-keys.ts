import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'callback-encryption-keys';

/**
 * Encryption keys for development. They are kept in `dataDir`, so that the next start can decrypt what this one
 * encrypted. Processes that start at the same time use the same keys.
 */
export function developmentKeys(dataDir: string): readonly string[] {
  const path = join(dataDir, FILE);
  return [read(path) ?? create(dataDir, path)];
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function create(dataDir: string, path: string): string {
  mkdirSync(dataDir, { recursive: true });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `development:${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  try {
    // `link` is atomic, and never replaces an existing file.
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(path, 'utf8').trim();
}
