import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere } from './files.js';

/** What a server writes about itself in its data directory (`postmaster.pid`). */
export interface PostmasterFile {
  readonly pid: number;
  /** Whether it accepts connections. */
  readonly ready: boolean;
}

/** `undefined` when no server claims the directory, or its file is not whole yet. */
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
