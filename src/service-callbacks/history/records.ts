import type { GiveUpReason } from '../callbacks/callback.js';

/** Whose rows are read: one service's, or all (operators). */
export type LogScope = { readonly serviceId: string } | 'all';

/** The state of a callback for people. `waiting`: for its first attempt, or for a worker that takes it again. */
export const LOG_STATES = ['waiting', 'delivered', 'retrying', 'deferred', 'given_up'] as const;
export type LogState = (typeof LOG_STATES)[number];

/** One attempt for people: with a status code or an error. */
export interface LoggedAttempt {
  readonly at: Date;
  readonly durationMs: number;
  readonly statusCode: number | null;
  readonly error: string | null;
  /** The first KiB of a response that was not 2xx: printable, with tokens and payload masked. */
  readonly excerpt: string | null;
  /** The headers of such a response: at most 1 KiB, masked likewise; empty if there are none. */
  readonly headers: Readonly<Record<string, string>>;
  /** Its generation; 0 before the first replay. */
  readonly generation: number;
}

/** One callback for people. It has no payload and no recipient. */
export interface LoggedCallback {
  readonly id: string;
  readonly serviceId: string | null;
  readonly callbackApiId: string | null;
  readonly callbackType: string;
  readonly subjectId: string | null;
  readonly state: LogState;
  /** Why it was given up; null in every other state. The dead letter has the callback's id. */
  readonly reason: GiveUpReason | null;
  /** The URL of its last or next attempt. */
  readonly url: string | null;
  /** What is wrong, or why it is deferred, in words. */
  readonly detail: string | null;
  /** 0 until the first replay. */
  readonly generation: number;
  /** Attempts in all generations; `attempts` has the last 50 of them. */
  readonly attemptCount: number;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  readonly queuedAt: Date;
  readonly firstAttemptAt: Date | null;
  readonly lastAttemptAt: Date | null;
  /** When it gets its next attempt, or when its endpoint on hold does. Set while `retrying` and `deferred`. */
  readonly nextAttemptAt: Date | null;
  /** From the enqueue to the start of the first attempt, ms. */
  readonly forwardMs: number | null;
  /** When it was delivered or given up; null while it is open. */
  readonly finishedAt: Date | null;
  /** When its last replay began; null if it was never replayed. */
  readonly replayedAt: Date | null;
  /** A replay is requested and has not started. */
  readonly replayRequestedAt: Date | null;
  /** Its endpoint is deleted: it cannot be replayed. */
  readonly isEndpointDeleted: boolean;
}

export interface LoggedCallbackWithAttempts extends LoggedCallback {
  /** Oldest first. */
  readonly attempts: readonly LoggedAttempt[];
  /** Its payload is kept: it can be replayed. */
  readonly hasPayload: boolean;
}

export interface LogFilter {
  readonly callbackApiId?: string | undefined;
  readonly callbackType?: string | undefined;
  readonly state?: LogState | undefined;
  /** Why it was given up. Only such callbacks match. */
  readonly reason?: GiveUpReason | undefined;
  /** Callbacks of one replay of many. */
  readonly replayId?: string | undefined;
  readonly subjectId?: string | undefined;
  /** Queued at or after. */
  readonly since?: Date | undefined;
  /** Queued before. */
  readonly until?: Date | undefined;
}

/** The page begins after this callback, in the order of the list (newest first). */
export interface LogCursor {
  readonly queuedAt: Date;
  readonly id: string;
}

export interface LogPage {
  readonly callbacks: readonly LoggedCallback[];
  /** Null on the last page. `encodeLogCursor` makes text of it. */
  readonly next: LogCursor | null;
}

/** Counts of a span of time. `failed` counts attempts without a 2xx; the others count callbacks. */
export interface Outcomes {
  readonly delivered: number;
  readonly failed: number;
  readonly deferred: number;
  readonly givenUp: number;
}

export interface OutcomesAt extends Outcomes {
  /** Start of the span. */
  readonly at: Date;
}

/** Estimates from a histogram, ms, within a factor of √2; null if nothing was measured. */
export interface Percentiles {
  readonly p50: number | null;
  readonly p99: number | null;
}

/** The circuit of an endpoint that is on hold. */
export interface CircuitView {
  readonly callbackApiId: string;
  /** `half_open`: a probe is in flight, or held callbacks are being released. */
  readonly state: 'open' | 'half_open';
  /** The time of the next probe; null while `half_open`. */
  readonly until: Date | null;
}

/** An endpoint (a callback API) in the list of the overview. */
export interface EndpointSummary {
  readonly callbackApiId: string;
  readonly serviceId: string;
  readonly callbackType: string;
  readonly url: string;
  /** While set, the endpoint gets no attempts, and its callbacks become dead letters. */
  readonly disabledAt: Date | null;
  /** The first failure since the last success; null if the last attempt succeeded or there was none. */
  readonly failingSince: Date | null;
  readonly attemptsSinceSuccess: number;
  readonly lastSuccessAt: Date | null;
  readonly lastFailureAt: Date | null;
  /** A status code ('503') or an error code ('timeout'). */
  readonly lastFailure: string | null;
  /** The last warning of this failure: percent of the way to being disabled; 0: none. */
  readonly warnedPercent: number;
  readonly circuit: CircuitView | null;
  /** Callbacks that wait for an attempt, counted up to 1,000. */
  readonly waiting: number;
  /** Of the last 24 hours. */
  readonly day: Outcomes;
}

/** The order of a list of endpoints; `trouble`: worst first. */
export const ENDPOINT_ORDERS = ['trouble', 'url', 'waiting', 'delivered', 'failed', 'given_up'] as const;
export type EndpointOrder = (typeof ENDPOINT_ORDERS)[number];

/** `working`: neither failing nor disabled. */
export const ENDPOINT_STATES = ['failing', 'on_hold', 'disabled', 'working'] as const;
export type EndpointState = (typeof ENDPOINT_STATES)[number];

export interface EndpointQuery {
  readonly order?: EndpointOrder | undefined;
  readonly state?: EndpointState | undefined;
  /** A part of the URL, or the beginning of the endpoint's or the service's id. */
  readonly text?: string | undefined;
  /** Default 50. */
  readonly limit?: number | undefined;
}

/** How many endpoints fail with one error. */
export interface FailingEndpoints {
  /** A status code ('503') or an error code ('timeout'). */
  readonly failure: string | null;
  readonly endpoints: number;
}

export interface Overview {
  /** Callbacks delivered or given up each second, in the last one to two minutes. */
  readonly callbacksPerSecond: number;
  /** From the enqueue to the first attempt. */
  readonly forwardDelay: { readonly fiveMinutes: Percentiles; readonly hour: Percentiles };
  /** Attempts in flight in all processes; null in a service's own view. */
  readonly inFlight: number | null;
  /** How long the oldest due callback has waited, ms; null in a service's own view. */
  readonly oldestDueMs: number | null;
  /** Of the endpoints in scope; at most 200 a process. */
  readonly openCircuits: readonly CircuitView[];
  /** Dead letters on the list, counted up to 100,000. */
  readonly deadLetters: number;
  /** Callbacks that wait for an attempt, counted up to 100,000. */
  readonly waiting: number;
  /** Worker processes with a heartbeat in the last 30 s; null in a service's own view. */
  readonly processes: number | null;
  /** Events that the figures of those processes had to drop since their start; null in a service's own view. */
  readonly droppedFacts: number | null;
  /** 60 minutes, oldest first, the current one last. Minutes without events are included. */
  readonly lastHour: readonly OutcomesAt[];
  /** 24 hours, likewise. */
  readonly lastDay: readonly OutcomesAt[];
  /** All endpoints in scope, whether in `endpoints` or not. */
  readonly allEndpoints: number;
  /** Those that fail, by error. */
  readonly failing: readonly FailingEndpoints[];
  readonly disabledEndpoints: number;
  /**
   * In the order of the query. `trouble`: failing endpoints first, longest first; then those with failures; then the
   * others.
   */
  readonly endpoints: readonly EndpointSummary[];
  /** The five endpoints that have failed for longest. */
  readonly worst: readonly EndpointSummary[];
}

export interface EndpointFigures {
  readonly callbackApiId: string;
  readonly serviceId: string;
  readonly lastSuccessAt: Date | null;
  readonly lastFailureAt: Date | null;
  /** A status code ('503') or an error code ('timeout'). */
  readonly lastFailure: string | null;
  readonly failingSince: Date | null;
  readonly attemptsSinceSuccess: number;
  /** As in the list of the overview. */
  readonly warnedPercent: number;
  /** 24 hours, oldest first, the current one last. */
  readonly hours: readonly OutcomesAt[];
  /** The duration of attempts in those hours, those without a response included. */
  readonly answerMs: Percentiles;
  readonly circuit: CircuitView | null;
  /** Callbacks that wait for an attempt, counted up to 10,000. */
  readonly backlog: number;
  /** The earliest next attempt of these callbacks. */
  readonly nextAt: Date | null;
}

/** An endpoint that a search found. */
export type FoundEndpoint = Pick<
  EndpointSummary,
  'callbackApiId' | 'serviceId' | 'callbackType' | 'url' | 'disabledAt'
>;

/** A service that has endpoints. */
export interface FoundService {
  readonly serviceId: string;
  readonly endpoints: number;
}

export interface FoundReplay {
  readonly id: string;
  readonly total: number;
  readonly requestedAt: Date;
}

/** What an id, a subject or the beginning of one finds; at most 20 of each kind. */
export interface SearchResult {
  /** Newest first. */
  readonly callbacks: readonly LoggedCallback[];
  readonly endpoints: readonly FoundEndpoint[];
  readonly services: readonly FoundService[];
  readonly replays: readonly FoundReplay[];
}
