import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** How long a child may take to stop on SIGTERM, ms. */
const STOP_TIMEOUT_MS = 10_000;

/** How a child ended, in words. `clean`: by itself with exit code 0. */
export interface Exit {
  readonly clean: boolean;
  readonly words: string;
}

/** Resolves when the child has ended and all of its output has been read; never rejects. */
export function exitOf(child: ChildProcess): Promise<Exit> {
  const { promise, resolve } = Promise.withResolvers<Exit>();
  child.once('error', (error) => resolve({ clean: false, words: `could not be started: ${error.message}` }));
  child.once('close', (code: number | null, signal: NodeJS.Signals | null) => {
    resolve({ clean: code === 0, words: signal ? `was ended by ${signal}` : `ended with exit code ${code}` });
  });
  return promise;
}

/** Sends SIGTERM to this child only, and SIGKILL if that is not enough. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  child.kill('SIGTERM');
  await exited;
  clearTimeout(impatience);
}
