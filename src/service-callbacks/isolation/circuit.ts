/** What a circuit says to a callback that wants to be sent. */
export type CircuitAnswer =
  | { readonly kind: 'closed' }
  /** This one is the probe: what becomes of it decides. */
  | { readonly kind: 'probe' }
  /** Not before then (Unix ms). */
  | { readonly kind: 'open'; readonly until: number };

export type CircuitState = 'closed' | 'open' | 'half_open';

/** How a retryable failure came about: by an answer or a refusal, or by silence until the deadline. */
export type Failure = 'failed' | 'timed_out';

export interface CircuitOptions {
  /** Retryable failures in a row that open it, timeouts among them; at least 1. */
  readonly failures: number;
  /** How long it stays open, ms. */
  readonly openMs: number;
}

const CLOSED: CircuitAnswer = { kind: 'closed' };
const PROBE: CircuitAnswer = { kind: 'probe' };

/** While the probe is out, the others come back after so long, ms. */
const PROBING_MS = 1_000;
/**
 * A timeout holds a slot for a whole deadline: a third as many in a row open it. But no fewer than one callback makes
 * by default, so that it does not put off its own last attempt.
 */
const TIMEOUTS = { share: 1 / 3, atLeast: 6 } as const;

/**
 * One endpoint's circuit. Closed: everything passes. After enough failures in a row it opens: nothing
 * passes for a while. Then one callback does, and what becomes of it closes the circuit or opens it again.
 */
export class Circuit {
  private failuresInRow = 0;
  private timeoutsInRow = 0;
  private openUntil: number | undefined;
  private probing = false;

  private readonly timeouts: number;

  constructor(private readonly options: CircuitOptions) {
    const { failures } = options;
    this.timeouts = Math.max(Math.min(failures, TIMEOUTS.atLeast), Math.floor(failures * TIMEOUTS.share));
  }

  ask(now: number): CircuitAnswer {
    const answer = this.peek(now);
    if (answer.kind === 'probe') this.probing = true;
    return answer;
  }

  /** What `ask` would say; no probe is given out. */
  peek(now: number): CircuitAnswer {
    if (this.openUntil === undefined) return CLOSED;
    if (now < this.openUntil) return { kind: 'open', until: this.openUntil };
    return this.probing ? { kind: 'open', until: now + PROBING_MS } : PROBE;
  }

  /** The endpoint gave an answer that is not a retryable failure. @returns whether this closed the circuit. */
  succeeded(): boolean {
    const recovered = this.openUntil !== undefined;
    this.failuresInRow = 0;
    this.timeoutsInRow = 0;
    this.openUntil = undefined;
    this.probing = false;
    return recovered;
  }

  failed(now: number, how: Failure): void {
    this.failuresInRow += 1;
    this.timeoutsInRow = how === 'timed_out' ? this.timeoutsInRow + 1 : 0;
    const wasProbe = this.probing && this.openUntil !== undefined && now >= this.openUntil;
    if (wasProbe || (this.openUntil === undefined && this.hasFailedEnough)) {
      this.openUntil = now + this.options.openMs;
      this.probing = false;
    }
  }

  /** A probe that was never sent: the next one is the probe. */
  abandonProbe(): void {
    this.probing = false;
  }

  state(now: number): CircuitState {
    if (this.openUntil === undefined) return 'closed';
    return now < this.openUntil ? 'open' : 'half_open';
  }

  private get hasFailedEnough(): boolean {
    return this.failuresInRow >= this.options.failures || this.timeoutsInRow >= this.timeouts;
  }

  /** Nothing here that a new one would not know. */
  get isPristine(): boolean {
    return this.failuresInRow === 0 && this.openUntil === undefined;
  }
}
