import { readFile } from 'node:fs/promises';

/**
 * Whether an error of Node has one of these codes (`ENOENT`, `EACCES` …). Not by `instanceof`: under Jest, Node's
 * errors belong to another realm.
 */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && codes.includes(String(error.code));
}

export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
