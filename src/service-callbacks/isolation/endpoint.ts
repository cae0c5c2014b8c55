import { Circuit, type CircuitOptions, type Failure } from './circuit.js';
import { CongestionWindow } from './congestion-window.js';
import { PaceMeter, type Pace } from './pace.js';
import type { PaceLimit } from './pace-limit.js';

export interface EndpointOptions extends CircuitOptions {
  /** Attempts in flight at most. */
  readonly concurrency: number;
}

/** What an attempt told about its endpoint. */
export type Verdict = 'answered' | Failure;

/** Someone who waits for the endpoint's window; told to go, or to come back later. */
export type Waiter = (go: boolean) => void;

/** What this process knows of one endpoint. */
export class Endpoint {
  readonly circuit: Circuit;
  readonly window: CongestionWindow;
  private readonly meter: PaceMeter;
  /** Start of each attempt in flight, oldest first. */
  private readonly inFlight = new Map<symbol, number>();
  private readonly waiters: Waiter[] = [];
  private lastStart = Number.NEGATIVE_INFINITY;
  /** When something was last heard of it, be it a refusal. */
  private heardAt = Number.NEGATIVE_INFINITY;

  constructor(
    readonly key: string,
    /** Unix ms. */
    readonly knownSince: number,
    options: EndpointOptions,
    private readonly limit: PaceLimit,
  ) {
    this.circuit = new Circuit(options);
    this.window = new CongestionWindow(options.concurrency);
    this.meter = new PaceMeter(limit);
  }

  pace(now: number): Pace {
    const [oldest] = this.inFlight.values();
    return this.meter.current(now, oldest);
  }

  hasRoom(now: number): boolean {
    if (this.inFlight.size >= this.window.size) return false;
    // What one that is silent gets would time out with the rest: one more when the last has been out for as long.
    return !this.isSilent(now) || now - this.lastStart >= this.limit.current(now);
  }

  /** It owes more than one answer for so long; a single one may have been lost on its way. */
  private isSilent(now: number): boolean {
    const [, second] = this.inFlight.values();
    return this.meter.isSilent(now, second);
  }

  get isActive(): boolean {
    return this.inFlight.size > 0 || this.waiters.length > 0;
  }

  /** Nothing would be lost by forgetting it but its pace. */
  get isForgettable(): boolean {
    return !this.isActive && this.circuit.isPristine && this.window.isPristine;
  }

  start(now: number): symbol {
    const attempt = Symbol('attempt');
    this.inFlight.set(attempt, now);
    this.lastStart = now;
    return attempt;
  }

  finish(attempt: symbol, verdict: Verdict, now: number): void {
    const startedAt = this.inFlight.get(attempt) ?? now;
    this.inFlight.delete(attempt);
    const durationMs = now - startedAt;
    if (verdict === 'answered') this.limit.note(durationMs, now);
    this.meter.ended(durationMs, now);
    if (verdict !== 'timed_out') this.heardAt = now;
    if (verdict !== 'answered') {
      // Whoever was heard of meanwhile hangs now and then, and is not silent.
      const how = this.heardAt > startedAt ? 'failed' : verdict;
      this.circuit.failed(now, how);
      this.window.failed(how);
    } else if (this.circuit.succeeded()) {
      this.window.recovered();
    } else {
      this.window.succeeded();
    }
    this.review(now);
  }

  /** An attempt that was never made: nothing is learnt. */
  abandon(attempt: symbol, now: number): void {
    this.inFlight.delete(attempt);
    this.review(now);
  }

  wait(waiter: Waiter): void {
    this.waiters.push(waiter);
  }

  /** Looks at what is in flight, and lets waiters go: on, where there is room; away, where waiting has become a wait. */
  review(now: number): void {
    if (this.pace(now) === 'slow' || this.circuit.peek(now).kind === 'open') {
      for (const waiter of this.waiters.splice(0)) waiter(false);
      return;
    }
    // Each goes by `start`, which is what takes the room away.
    while (this.hasRoom(now) && this.waiters.length > 0) this.waiters.shift()?.(true);
  }
}
