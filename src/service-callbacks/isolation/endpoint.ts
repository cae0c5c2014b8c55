import { Circuit, type Failure } from './circuit.js';
import { CongestionWindow } from './congestion-window.js';
import { LatencyMeter, type Speed } from './latency.js';
import type { SlowThreshold } from './slow-threshold.js';

export interface EndpointOptions {
  /** Retryable failures in a row that open the circuit; at least 1. */
  readonly failures: number;
  /** The most attempts in flight. */
  readonly concurrency: number;
}

/** The meaning of an attempt's result for its endpoint. */
export type AttemptResult = 'responded' | Failure;

/** A callback that waits for the endpoint's window; it is called once, at the end of the wait. */
export type Waiter = (end: 'admitted' | 'deferred' | 'held' | 'stopped') => void;

/** The time between two deferred callbacks of one endpoint, ms: each return costs the stores. */
const DEFERRAL_SPACING_MS = 5;

/** The state of one endpoint in this process. */
export class Endpoint {
  readonly circuit: Circuit;
  readonly window: CongestionWindow;
  private readonly meter: LatencyMeter;
  /** The start of each attempt in flight, oldest first. */
  private readonly inFlight = new Map<symbol, number>();
  private readonly waiters: Waiter[] = [];
  private lastStart = Number.NEGATIVE_INFINITY;
  private lastDeferral = 0;
  /** When an attempt last ended with a response or an error other than a timeout. */
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
    // While attempts are overdue, the next one starts no sooner than a slow threshold after the last start.
    return !this.isOverdue(now) || now - this.lastStart >= this.slowThreshold.current(now);
  }

  /** Whether several attempts are over the slow threshold: a single response may have been lost on the way. */
  private isOverdue(now: number): boolean {
    const [, second] = this.inFlight.values();
    return this.meter.isOverdue(now, second);
  }

  get isActive(): boolean {
    return this.inFlight.size > 0 || this.waiters.length > 0;
  }

  /** Whether it differs from a new endpoint only in its latency. */
  get isForgettable(): boolean {
    return !this.isActive && this.circuit.isPristine && this.window.isPristine;
  }

  /**
   * When a callback without a permit is due again; callbacks of one endpoint are spread.
   * @param earliest Unix ms
   */
  nextAttemptAfter(earliest: number): number {
    this.lastDeferral = Math.max(earliest, this.lastDeferral + DEFERRAL_SPACING_MS);
    return this.lastDeferral;
  }

  start(now: number): symbol {
    const attempt = Symbol('attempt');
    this.inFlight.set(attempt, now);
    this.lastStart = now;
    return attempt;
  }

  /** @returns whether this result opens the circuit */
  finish(attempt: symbol, result: AttemptResult, now: number): boolean {
    const startedAt = this.inFlight.get(attempt) ?? now;
    this.inFlight.delete(attempt);
    const durationMs = now - startedAt;
    if (result === 'responded') this.slowThreshold.note(durationMs, now);
    this.meter.ended(durationMs, now);
    if (result !== 'timed_out') this.lastResultAt = now;
    const opensCircuit = this.learn(result, startedAt);
    if (opensCircuit) this.hold();
    else this.review(now);
    return opensCircuit;
  }

  private learn(result: AttemptResult, startedAt: number): boolean {
    if (result === 'responded') {
      this.circuit.succeeded();
      this.window.succeeded();
      return false;
    }
    // The endpoint responded to another attempt meanwhile: it hangs now and then, but works.
    const how = this.lastResultAt > startedAt ? 'failed' : result;
    this.window.failed(how);
    return this.circuit.failed(how);
  }

  /** Its hold was lifted: it begins with one attempt at a time. */
  recovered(): void {
    this.circuit.succeeded();
    this.window.recovered();
  }

  /** Its circuit opened: callbacks that wait for its window are now held. */
  private hold(): void {
    for (const waiter of this.waiters.splice(0)) waiter('held');
  }

  /** Ends an attempt that was not made. It shows nothing of the endpoint. */
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

  /** Admits waiting callbacks while the window allows it. If the endpoint is slow, it defers all of them. */
  review(now: number): void {
    if (this.speed(now) === 'slow') {
      for (const waiter of this.waiters.splice(0)) waiter('deferred');
      return;
    }
    // An admitted callback calls `start`, which reduces the room.
    while (this.hasRoom(now) && this.waiters.length > 0) this.waiters.shift()?.('admitted');
  }
}
