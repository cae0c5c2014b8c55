import { Circuit, type Failure } from './circuit.js';
import { CongestionWindow } from './congestion-window.js';
import { PaceMeter, type Pace } from './pace.js';
import type { PaceLimit } from './pace-limit.js';

export interface EndpointOptions {
  /** Retryable failures in a row that open the circuit; at least 1. */
  readonly failures: number;
  /** Attempts in flight at most. */
  readonly concurrency: number;
}

/** What an attempt says of its endpoint. */
export type AttemptResult = 'answered' | Failure;

/** Waits for the endpoint's window; called once, when the wait is over. */
export type Waiter = (end: 'admitted' | 'deferred' | 'held' | 'stopped') => void;

/** Between two deferred callbacks of one endpoint, ms: coming back costs the stores. */
const DEFERRAL_SPACING_MS = 5;

/** What this process knows of one endpoint. */
export class Endpoint {
  readonly circuit: Circuit;
  readonly window: CongestionWindow;
  private readonly meter: PaceMeter;
  /** Start of each attempt in flight, oldest first. */
  private readonly inFlight = new Map<symbol, number>();
  private readonly waiters: Waiter[] = [];
  private lastStart = Number.NEGATIVE_INFINITY;
  private lastDeferral = 0;
  /** When something was last heard of it, be it a refusal. */
  private heardAt = Number.NEGATIVE_INFINITY;

  constructor(
    readonly key: string,
    /** Unix ms. */
    readonly knownSince: number,
    options: EndpointOptions,
    private readonly limit: PaceLimit,
  ) {
    this.circuit = new Circuit(options.failures);
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

  /** When a callback that finds no permit comes back: those of one endpoint not all at once. @param earliest Unix ms */
  next(earliest: number): number {
    this.lastDeferral = Math.max(earliest, this.lastDeferral + DEFERRAL_SPACING_MS);
    return this.lastDeferral;
  }

  start(now: number): symbol {
    const attempt = Symbol('attempt');
    this.inFlight.set(attempt, now);
    this.lastStart = now;
    return attempt;
  }

  /** @returns whether this result opens the circuit. */
  finish(attempt: symbol, result: AttemptResult, now: number): boolean {
    const startedAt = this.inFlight.get(attempt) ?? now;
    this.inFlight.delete(attempt);
    const durationMs = now - startedAt;
    if (result === 'answered') this.limit.note(durationMs, now);
    this.meter.ended(durationMs, now);
    if (result !== 'timed_out') this.heardAt = now;
    const opens = this.learn(result, startedAt);
    if (opens) this.hold();
    else this.review(now);
    return opens;
  }

  private learn(result: AttemptResult, startedAt: number): boolean {
    if (result === 'answered') {
      this.circuit.succeeded();
      this.window.succeeded();
      return false;
    }
    // One that responded meanwhile hangs now and then, and is not silent.
    const how = this.heardAt > startedAt ? 'failed' : result;
    this.window.failed(how);
    return this.circuit.failed(how);
  }

  /** Its hold was lifted: it begins with one attempt at a time. */
  recovered(): void {
    this.circuit.succeeded();
    this.window.recovered();
  }

  /** Its circuit opened: those that wait for its window wait behind the hold. */
  private hold(): void {
    for (const waiter of this.waiters.splice(0)) waiter('held');
  }

  /** An attempt that was never made: nothing is learnt. */
  abandon(attempt: symbol, now: number): void {
    this.inFlight.delete(attempt);
    this.review(now);
  }

  wait(waiter: Waiter): void {
    this.waiters.push(waiter);
  }

  stop(): void {
    for (const waiter of this.waiters.splice(0)) waiter('stopped');
  }

  /** Looks at what is in flight, and lets waiters go: on, where there is room; away, where waiting has become a wait. */
  review(now: number): void {
    if (this.pace(now) === 'slow') {
      for (const waiter of this.waiters.splice(0)) waiter('deferred');
      return;
    }
    // Each goes by `start`, which is what takes the room away.
    while (this.hasRoom(now) && this.waiters.length > 0) this.waiters.shift()?.('admitted');
  }
}
