import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { hasCode } from './files.js';

/**
 * A process that another one can recognise later. A process id alone will not do: the system hands it out
 * again.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** When the process began, in the form of this system; `null` if the system does not say. */
  readonly startedAt: string | null;
}

/** The identity of a running process (of this one by default), `null` when there is none of that id. */
export async function identifyProcess(pid: number = process.pid): Promise<ProcessIdentity | null> {
  if (!exists(pid)) return null;
  const stat = await readProc(pid, 'stat');
  if (stat === undefined) {
    const startedAt = await ps(pid, 'lstart');
    return { pid, startedAt: startedAt === '' ? null : startedAt };
  }
  // Fields 3 and 22 of proc_pid_stat(5), counted behind the command name, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie is a process that has ended and that its parent has not reaped.
  if (fields[0] === 'Z' || fields[0] === 'X') return null;
  // Counted in ticks since boot, hence the boot's own id.
  return { pid, startedAt: `${await bootId()}/${fields[19]}` };
}

/** Whether that very process, not a later one of the same id, still runs. */
export async function isRunning(process: ProcessIdentity): Promise<boolean> {
  const now = await identifyProcess(process.pid);
  return now !== null && (process.startedAt === null || now.startedAt === process.startedAt);
}

/** The arguments a process was started with, joined by spaces; empty if they are unknown. */
export async function commandLine(pid: number): Promise<string> {
  const proc = await readProc(pid, 'cmdline');
  return proc === undefined ? ps(pid, 'command') : proc.replaceAll('\0', ' ').trim();
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and someone else's.
    return hasCode(error, 'EPERM');
  }
}

async function readProc(pid: number, file: string): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  try {
    return await readFile(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}

async function bootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  } catch {
    return 'boot';
  }
}

/** Where there is no /proc (macOS): `ps`, in a fixed locale and zone so that two results can be compared. */
async function ps(pid: number, field: 'lstart' | 'command'): Promise<string> {
  try {
    const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
    const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', `${field}=`, '-p', String(pid)], {
      env,
    });
    return stdout.trim();
  } catch {
    return '';
  }
}
