import { QueueBackend } from '../queues/queue-backend.js';
import type { Clock } from '../clock.js';

/** The largest accepted difference between this process's clock and the queue's, ms. Locks expire by these clocks. */
const MAX_SKEW_MS = 2_000;

/** How often the guard reads the queue's clock, and how often it looks for a jump of its own, ms. */
const CHECK_MS = 5_000;
const JUMP_CHECK_MS = 500;
/** A difference between wall clock and monotonic clock that causes a check at once, ms. */
const JUMP_MS = 1_000;

/** The state of the guard: not known yet, jobs may be taken, or the reason why not. */
export type ClockState =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'trusted' }
  | { readonly kind: 'skewed'; readonly skewMs: number };

/**
 * Compares this process's clock with the queue's. A worker that is two hours ahead sees every lock as expired and fails
 * the live jobs of other workers, so it must take no jobs.
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

  /** Resolves after the first check, even if the queue did not respond. */
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
      // No jobs until the check is done: the clock may be wrong already.
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
      // The response was too slow to decide: the next tick checks again.
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

  /** Wall clock minus monotonic clock: constant unless the wall clock is set. */
  private offsetNow(): number {
    return this.clock.now() - this.clock.monotonic();
  }
}

/**
 * The queue read its clock at some moment of the round trip, so the skew is known to within half of the round trip, as
 * in NTP (RFC 5905, section 8).
 * @returns undefined if that is not precise enough
 */
function stateOf(skewMs: number, roundTripMs: number): ClockState | undefined {
  const doubt = roundTripMs / 2;
  if (Math.abs(skewMs) - doubt > MAX_SKEW_MS) return { kind: 'skewed', skewMs };
  return Math.abs(skewMs) + doubt <= MAX_SKEW_MS ? { kind: 'trusted' } : undefined;
}

/** Why no jobs are taken, in words for an operator. */
export function whyNoJobs(state: Exclude<ClockState, { kind: 'trusted' }>): string {
  if (state.kind === 'unknown') return 'the clock has not been checked against the queue yet';
  const { skewMs } = state;
  return `the clock is ${Math.abs(skewMs)} ms ${skewMs > 0 ? 'ahead of' : 'behind'} the queue's`;
}
