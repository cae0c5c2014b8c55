import { tenths } from './counts.js';

const UNITS = [
  { ms: 86_400_000, name: 'd' },
  { ms: 3_600_000, name: 'h' },
  { ms: 60_000, name: 'min' },
  { ms: 1_000, name: 's' },
] as const;

/** `820 ms`, `40 s`, `5 min`, `2 h 30 min`, `3 d 4 h`: at most two units. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10_000) return `${tenths(ms / 1_000)} s`;
  const index = UNITS.findIndex((unit) => ms >= unit.ms);
  const [large, small] = [UNITS[index], UNITS[index + 1]];
  if (large === undefined) return '0 s';
  const whole = Math.floor(ms / large.ms);
  // Seconds beside minutes are noise.
  const rest = small === undefined || large.name === 'min' ? 0 : Math.floor((ms % large.ms) / small.ms);
  return rest === 0 ? `${whole} ${large.name}` : `${whole} ${large.name} ${rest} ${small?.name}`;
}

/** A duration that is measured finer: `8 ms`, `1.2 s`; `—` if nothing was measured. */
export function latency(ms: number | null): string {
  if (ms === null) return '—';
  return ms < 10 ? `${tenths(ms)} ms` : duration(ms);
}

/** `3 min ago`, `in 40 s`, `just now`. */
export function relative(at: Date, now: Date): string {
  const ms = at.getTime() - now.getTime();
  if (Math.abs(ms) < 1_000) return 'just now';
  return ms > 0 ? `in ${rounded(ms)}` : `${rounded(-ms)} ago`;
}

/** Whether the time has come. The attempt begins when a worker takes the callback, which may be later. */
export function isDue(at: Date, now: Date): boolean {
  return at.getTime() - now.getTime() < 1_000;
}

/** `next attempt in 40 s`, `next attempt due now`. */
export function nextAttempt(at: Date, now: Date): string {
  return isDue(at, now) ? 'next attempt due now' : `next attempt ${relative(at, now)}`;
}

function rounded(ms: number): string {
  return duration(ms < 60_000 ? Math.round(ms / 1_000) * 1_000 : ms);
}
