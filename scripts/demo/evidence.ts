import type { LogLine } from './log-line.js';
import type { Arrival } from './receiver-process.js';
import type { Scenario } from './scenarios.js';

/** What a scenario sent, and everything that was seen of it. */
export interface Evidence {
  readonly kind: 'seen';
  readonly scenario: Scenario;
  readonly token: string;
  /** What the callback's body must say, besides its dates. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** The requests that the receiver got for this callback. */
  readonly arrivals: readonly Arrival[];
  /** The log's lines about this callback. */
  readonly lines: readonly LogLine[];
  /** From the provider's receipt to the last word of the log, ms. */
  readonly durationMs: number;
}

/** A scenario that could not be followed to its end. */
export interface Failure {
  readonly kind: 'failed';
  readonly scenario: Scenario;
  readonly reason: string;
  /** Requests that reached its endpoint all the same. */
  readonly arrivals: number;
}

export type Result = Evidence | Failure;
