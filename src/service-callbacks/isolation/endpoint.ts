import { Circuit, type Failure } from './circuit.js';
import { CongestionWindow } from './congestion-window.js';
import { LatencyMeter, type Speed } from './latency.js';
import type { SlowThreshold } from './slow-threshold.js';

export interface EndpointOptions {
  /** Retryable failures in a row that open the circuit; at least 1. */
  readonly failures: number;
  /** Attempts in flight at most. */
  readonly concurrency: number;
}

/** What the result of an attempt means for its endpoint. */
export type AttemptResult = 'responded' | Failure;

/** Waits for the endpoint's window; called once, when the wait is over. */
export type Waiter = (end: 'admitted' | 'deferred' | 'held' | 'stopped') => void;

/** Between two deferred callbacks of one endpoint, ms: coming back costs the stores. */
const DEFERRAL_SPACING_MS = 5;

/** What this process knows of one endpoint. */
export class Endpoint {
  readonly circuit: Circuit;
  readonly window: CongestionWindow;
  private readonly meter: LatencyMeter;
  /** Start of each attempt in flight, oldest first. */
  private readonly inFlight = new Map<symbol, number>();
  private readonly waiters: Waiter[] = [];
  private lastStart = Number.NEGATIVE_INFINITY;
  private lastDeferral = 0;
  /** When an attempt last ended without a timeout, as a success or a failure. */
  private lastResultAt = Number.NEGATIVE_INFINITY;

  constructor(
    readonly key: string,
    /** Unix ms. */
    readonly knownSince: number,
    options: EndpointOptions,
    private readonly slowThreshold: SlowThreshold,
  ) {
    this.circuit = new Circuit(options.failures);
    this.window = new CongestionWindow(options.concurrency);
    this.meter = new LatencyMeter(slowThreshold);
  }

  speed(now: number): Speed {
    const [oldest] = this.inFlight.values();
    return this.meter.current(now, oldest);
  }

  hasRoom(now: number): boolean {
    if (this.inFlight.size >= this.window.size) return false;
    // While attempts time out, one more starts only when the last has been in flight for the slow threshold.
    return !this.isOverdue(now) || now - this.lastStart >= this.slowThreshold.current(now);
  }

  /** More than one attempt is over the slow threshold: a single response may have been lost on the way. */
  private isOverdue(now: number): boolean {
    const [, second] = this.inFlight.values();
    return this.meter.isOverdue(now, second);
  }

  get isActive(): boolean {
    return this.inFlight.size > 0 || this.waiters.length > 0;
  }

  /** It has no state worth keeping but its latency. */
  get isForgettable(): boolean {
    return !this.isActive && this.circuit.isPristine && this.window.isPristine;
  }

  /** When a callback that finds no permit comes back; spaces the callbacks of one endpoint. @param earliest Unix ms */
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
    if (result === 'responded') this.slowThreshold.note(durationMs, now);
    this.meter.ended(durationMs, now);
    if (result !== 'timed_out') this.lastResultAt = now;
    const opens = this.learn(result, startedAt);
    if (opens) this.hold();
    else this.review(now);
    return opens;
  }

  private learn(result: AttemptResult, startedAt: number): boolean {
    if (result === 'responded') {
      this.circuit.succeeded();
      this.window.succeeded();
      return false;
    }
    // The endpoint responded to another attempt meanwhile: it hangs now and then, but is not down.
    const how = this.lastResultAt > startedAt ? 'failed' : result;
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

  /** Ends an attempt that was never made; its result says nothing about the endpoint. */
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

  /** Admits waiters while there is room, and defers all of them if the endpoint is slow. */
  review(now: number): void {
    if (this.speed(now) === 'slow') {
      for (const waiter of this.waiters.splice(0)) waiter('deferred');
      return;
    }
    // An admitted waiter calls `start`, which takes up the room.
    while (this.hasRoom(now) && this.waiters.length > 0) this.waiters.shift()?.('admitted');
  }
}
