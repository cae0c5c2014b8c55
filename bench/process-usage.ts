import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts CPU time in ticks; this many are a second. */
const CLOCK_TICKS = 100;

export interface Usage {
  /** User and system time, seconds, since the process began. */
  readonly cpuSeconds: number;
  /** Resident memory, MiB, now and at its highest. */
  readonly rssMiB: number;
  readonly peakRssMiB: number;
}

/** Read from outside, so that the measurement does not measure itself. Linux only. */
export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the name, in parentheses, and may contain spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS,
    rssMiB: kibibytes(status, 'VmRSS') / 1_024,
    peakRssMiB: kibibytes(status, 'VmHWM') / 1_024,
  };
}

/** CPU seconds so far of the PostgreSQL and Redis servers that this process started, ended backends included. */
export function storeCpuSeconds(): number {
  const processes = new Map<number, { parent: number; name: string; seconds: number }>();
  for (const entry of readdirSync('/proc')) {
    const read = /^\d+$/.test(entry) ? statOf(Number(entry)) : undefined;
    if (read) processes.set(Number(entry), read);
  }
  const isOurs = (pid: number): boolean => {
    const found = processes.get(pid);
    return pid === process.pid || (found !== undefined && isOurs(found.parent));
  };
  return [...processes]
    .filter(([pid, { name }]) => /^(?:postgres|redis-server)$/.test(name) && isOurs(pid))
    .reduce((sum, [, { seconds }]) => sum + seconds, 0);
}

/**
 * Its own time and that of the children it has waited for.
 * @returns undefined if it has ended
 */
function statOf(pid: number): { parent: number; name: string; seconds: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = stat.lastIndexOf(')');
    const fields = stat.slice(end + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return {
      parent: Number(fields[1]),
      name: stat.slice(stat.indexOf('(') + 1, end),
      seconds: ticks / CLOCK_TICKS,
    };
  } catch {
    return undefined;
  }
}

function kibibytes(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? Number.NaN);
}
