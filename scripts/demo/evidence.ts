import type { LogLine } from './log-line.js';
import type { Arrival } from './receiver-process.js';
import type { Scenario } from './scenarios.js';

/** What a scenario sent, and what the receiver and the log show of it. */
export interface Evidence {
  readonly kind: 'seen';
  readonly scenario: Scenario;
  readonly token: string;
  /** The expected body of the callback, without its dates. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** The requests that the receiver got for this callback. */
  readonly arrivals: readonly Arrival[];
  /** The lines of the log about this callback. */
  readonly lines: readonly LogLine[];
  /** From the provider's receipt to the last line of the log, ms. */
  readonly durationMs: number;
}

/** A scenario that did not reach its end. */
export interface Failure {
  readonly kind: 'failed';
  readonly scenario: Scenario;
  readonly reason: string;
  /** Requests that reached its endpoint. */
  readonly arrivals: number;
}

export type Result = Evidence | Failure;
