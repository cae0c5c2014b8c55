import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere } from './files.js';

/** The file `postmaster.pid` that a server writes in its data directory. */
export interface PostmasterFile {
  readonly pid: number;
  /** Whether the server accepts connections. */
  readonly ready: boolean;
}

/** `undefined` if no server uses the directory, or the file is not complete yet. */
export async function readPostmasterFile(clusterDir: string): Promise<PostmasterFile | undefined> {
  const text = (await readIfThere(pathOf(clusterDir))) ?? '';
  // PostgreSQL's pidfile.h: line 1 is the process id, line 8 the status, padded with spaces.
  const lines = text.split('\n');
  const pid = Number.parseInt(lines[0] ?? '', 10);
  return Number.isInteger(pid) && pid > 0 ? { pid, ready: lines[7]?.trim() === 'ready' } : undefined;
}

export async function removePostmasterFile(clusterDir: string): Promise<void> {
  await rm(pathOf(clusterDir), { force: true });
}

function pathOf(clusterDir: string): string {
  return join(clusterDir, 'postmaster.pid');
}
