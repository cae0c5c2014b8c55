import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { hasCode } from './files.js';

/** Identifies a process. A process id is not enough: the system uses it again. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When the process began, in a form of this system; `null` if unknown. */
  readonly startedAt: string | null;
}

/** The identity of a process, by default this one; `null` if none of that id runs. */
export async function identifyProcess(pid: number = process.pid): Promise<ProcessIdentity | null> {
  if (!exists(pid)) return null;
  const stat = await readProc(pid, 'stat');
  if (stat === undefined) {
    const startedAt = await ps(pid, 'lstart');
    return { pid, startedAt: startedAt === '' ? null : startedAt };
  }
  // Fields 3 and 22 of proc_pid_stat(5), counted after the command name, which may have any characters.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie has ended, and its parent has not read its exit code yet.
  if (fields[0] === 'Z' || fields[0] === 'X') return null;
  // The time is in ticks since boot, so the identity includes the boot's id.
  return { pid, startedAt: `${await bootId()}/${fields[19]}` };
}

/** Whether this process still runs, and not a later one with the same id. */
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
    // EPERM: the process exists and belongs to another user.
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

/** For systems without /proc (macOS): `ps`, in a fixed locale and time zone, so that two results can be compared. */
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
