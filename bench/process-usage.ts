import { readFileSync } from 'node:fs';

/** Linux counts in these, per second. */
const CLOCK_TICKS = 100;

export interface Usage {
  /** User and system, seconds, since the process began. */
  readonly cpuSeconds: number;
  /** Resident memory, MiB, now and at its highest. */
  readonly rssMiB: number;
  readonly peakRssMiB: number;
}

/** From outside, so that what is measured does not measure itself. Linux only. */
export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the name, in parentheses, and may have spaces in it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS,
    rssMiB: kibibytes(status, 'VmRSS') / 1_024,
    peakRssMiB: kibibytes(status, 'VmHWM') / 1_024,
  };
}

function kibibytes(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? Number.NaN);
}
