import { QueueBackend } from '../queues/queue-backend.js';
import type { Clock } from '../clock.js';

/** How far this process's clock may be off the queue's, ms: a lock is judged by it. */
const MAX_SKEW_MS = 2_000;

/** How often the guard reads the queue's time, and looks for a jump of this clock, ms. */
const CHECK_MS = 5_000;
const JUMP_CHECK_MS = 500;
/** A step of this clock against the monotonic one that calls for a check at once, ms. */
const JUMP_MS = 1_000;

/** What the guard knows: nothing yet, that jobs may be taken, or why not. */
export type ClockState =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'trusted' }
  | { readonly kind: 'skewed'; readonly skewMs: number };

/**
 * Watches this process's clock against the queue's. A worker that is two hours ahead takes every lock for
 * expired and fails other workers' live jobs: it must take no jobs at all.
 */
export class ClockGuard {
  private state: ClockState = { kind: 'unknown' };
  private timer: NodeJS.Timeout | undefined;
  private offset = 0;
  private checkedAt = Number.NEGATIVE_INFINITY;
  private checking = false;

  constructor(
    private readonly backend: QueueBackend,
    private readonly clock: Clock,
    private readonly onChange: (state: ClockState) => void,
  ) {}

  get current(): ClockState {
    return this.state;
  }

  /** Resolves after the first check, whether the queue responded or not. */
  async start(): Promise<void> {
    this.offset = this.offsetNow();
    await this.check();
    this.timer = setInterval(() => this.tick(), JUMP_CHECK_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private tick(): void {
    const jump = Math.abs(this.offsetNow() - this.offset);
    if (jump > JUMP_MS) {
      this.offset = this.offsetNow();
      // No job in the meantime: the next one could already be taken by a wrong time.
      this.set({ kind: 'unknown' });
    }
    const isDue = this.clock.monotonic() - this.checkedAt >= CHECK_MS;
    if (this.state.kind === 'unknown' || isDue) void this.check();
  }

  private async check(): Promise<void> {
    if (this.checking) return;
    this.checking = true;
    try {
      const begun = this.clock.monotonic();
      const before = this.clock.now();
      const theirs = await this.backend.now();
      const ours = (before + this.clock.now()) / 2;
      const state = stateOf(Math.round(ours - theirs), this.clock.monotonic() - begun);
      // The response was too slow to be conclusive: checked again at the next tick.
      if (state === undefined) return;
      this.checkedAt = this.clock.monotonic();
      this.set(state);
    } catch {
      // The queue does not respond: the state stays, and there are no jobs to take.
    } finally {
      this.checking = false;
    }
  }

  private set(state: ClockState): void {
    const changed = state.kind !== this.state.kind;
    this.state = state;
    if (changed) this.onChange(state);
  }

  /** Wall clock minus monotonic clock: constant, unless the clock is set. */
  private offsetNow(): number {
    return this.clock.now() - this.clock.monotonic();
  }
}

/**
 * The queue read its clock at some moment of the round trip: the skew is known to within half of the round trip, as in
 * NTP (RFC 5905, section 8). @returns undefined if that is not precise enough
 */
function stateOf(skewMs: number, roundTripMs: number): ClockState | undefined {
  const doubt = roundTripMs / 2;
  if (Math.abs(skewMs) - doubt > MAX_SKEW_MS) return { kind: 'skewed', skewMs };
  return Math.abs(skewMs) + doubt <= MAX_SKEW_MS ? { kind: 'trusted' } : undefined;
}

/** Why no jobs are taken, for an operator. */
export function whyNoJobs(state: Exclude<ClockState, { kind: 'trusted' }>): string {
  if (state.kind === 'unknown') return 'the clock has not been checked against the queue yet';
  const { skewMs } = state;
  return `the clock is ${Math.abs(skewMs)} ms ${skewMs > 0 ? 'ahead of' : 'behind'} the queue's`;
}
