import { QueueBackend } from '../queues/queue-backend.js';
import type { Clock } from '../clock.js';

/** How far this process's clock may be off the queue's, ms: a lock is judged by it. */
const MAX_SKEW_MS = 2_000;

/** How often the queue is asked for its time, and this clock for a jump, ms. */
const CHECK_MS = 5_000;
const JUMP_CHECK_MS = 500;
/** A step of this clock against the monotonic one that calls for a check at once, ms. */
const JUMP_MS = 1_000;

/** What the guard knows: nothing yet, that jobs may be taken, or why not. */
export type ClockVerdict =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'trusted' }
  | { readonly kind: 'skewed'; readonly skewMs: number };

/**
 * Watches this process's clock against the queue's. A worker that is two hours ahead takes every lock for
 * expired and fails other workers' live jobs: it must take no jobs at all.
 */
export class ClockGuard {
  private verdict: ClockVerdict = { kind: 'unknown' };
  private timer: NodeJS.Timeout | undefined;
  private offset = 0;
  private checkedAt = Number.NEGATIVE_INFINITY;
  private checking = false;

  constructor(
    private readonly backend: QueueBackend,
    private readonly clock: Clock,
    private readonly onChange: (verdict: ClockVerdict) => void,
  ) {}

  get current(): ClockVerdict {
    return this.verdict;
  }

  /** The first verdict is in when this resolves, unless the queue does not answer. */
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
    if (this.verdict.kind === 'unknown' || isDue) void this.check();
  }

  private async check(): Promise<void> {
    if (this.checking) return;
    this.checking = true;
    try {
      const begun = this.clock.monotonic();
      const before = this.clock.now();
      const theirs = await this.backend.now();
      const ours = (before + this.clock.now()) / 2;
      const verdict = verdictOf(Math.round(ours - theirs), this.clock.monotonic() - begun);
      // Too slow an answer to tell by: asked again with the next tick.
      if (verdict === undefined) return;
      this.checkedAt = this.clock.monotonic();
      this.set(verdict);
    } catch {
      // The queue does not answer: what was known stays, and there are no jobs to take.
    } finally {
      this.checking = false;
    }
  }

  private set(verdict: ClockVerdict): void {
    const changed = verdict.kind !== this.verdict.kind;
    this.verdict = verdict;
    if (changed) this.onChange(verdict);
  }

  /** Wall clock minus monotonic clock: constant, unless somebody sets the clock. */
  private offsetNow(): number {
    return this.clock.now() - this.clock.monotonic();
  }
}

/**
 * The queue read its clock at some moment of the round trip: the skew is known but for half of it, either way, as in
 * NTP (RFC 5905, section 8). @returns undefined where that half decides
 */
function verdictOf(skewMs: number, roundTripMs: number): ClockVerdict | undefined {
  const doubt = roundTripMs / 2;
  if (Math.abs(skewMs) - doubt > MAX_SKEW_MS) return { kind: 'skewed', skewMs };
  return Math.abs(skewMs) + doubt <= MAX_SKEW_MS ? { kind: 'trusted' } : undefined;
}

/** Why no jobs are taken, for an operator. */
export function whyNoJobs(verdict: Exclude<ClockVerdict, { kind: 'trusted' }>): string {
  if (verdict.kind === 'unknown') return 'the queue has not told its time yet, by which the clock is judged';
  const { skewMs } = verdict;
  return `the clock is ${Math.abs(skewMs)} ms ${skewMs > 0 ? 'ahead of' : 'behind'} the queue's`;
}
