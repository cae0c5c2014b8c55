import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const ROOT = join(import.meta.dirname, '../..');

/**
 * Runs a TypeScript file of this project as a process of its own, to its end.
 * @param file from the project's root
 * @param environment beside `PATH` and `NODE_ENV=test`; nothing else is inherited
 * @param onStart gets the process's id
 */
export async function runCommand(
  file: string,
  environment: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  onStart: (pid: number) => void = () => undefined,
): Promise<CommandResult> {
  const child = spawn(
    process.execPath,
    ['--import', join(import.meta.dirname, 'register-typescript.mjs'), join(ROOT, file), ...args],
    {
      cwd: ROOT,
      env: { PATH: process.env['PATH'], NODE_ENV: 'test', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  if (child.pid !== undefined) onStart(child.pid);
  const [[code], stdout, stderr] = await Promise.all([
    once(child, 'close') as Promise<[number | null]>,
    text(child.stdout),
    text(child.stderr),
  ]);
  return { code, stdout, stderr };
}
