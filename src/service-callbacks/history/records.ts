import type { GiveUpReason } from '../callbacks/callback.js';

/** Whose rows are read: one service's, or everybody's (operators). */
export type LogScope = { readonly serviceId: string } | 'all';

/** The state of a callback as it is shown. `waiting`: for its first attempt, or for a worker to take it again. */
export const LOG_STATES = ['waiting', 'delivered', 'retrying', 'deferred', 'given_up'] as const;
export type LogState = (typeof LOG_STATES)[number];

/** One attempt as the log shows it: a status code or an error, whichever there was. */
export interface LoggedAttempt {
  readonly at: Date;
  readonly durationMs: number;
  readonly statusCode: number | null;
  readonly error: string | null;
  /** The first KiB of a response that was not 2xx, printable, without tokens and payload. */
  readonly excerpt: string | null;
  /** Of such a response, at most 1 KiB of them, masked as the excerpt is; empty where there are none. */
  readonly headers: Readonly<Record<string, string>>;
  /** The generation it belongs to; 0 before the first replay. */
  readonly generation: number;
}

/** One callback as it is shown. No payload, no recipient. */
export interface LoggedCallback {
  readonly id: string;
  readonly serviceId: string | null;
  readonly callbackApiId: string | null;
  readonly callbackType: string;
  readonly subjectId: string | null;
  readonly state: LogState;
  /** Why it was given up; null in every other state. The dead letter has the callback's id. */
  readonly reason: GiveUpReason | null;
  /** Where it was sent last, or is to be sent. */
  readonly url: string | null;
  /** In words: what is wrong with it, or why it is deferred. */
  readonly detail: string | null;
  /** 0 until the first replay. */
  readonly generation: number;
  /** Over the callback's whole life; `attempts` keeps the last 50 of them. */
  readonly attemptCount: number;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  readonly queuedAt: Date;
  readonly firstAttemptAt: Date | null;
  readonly lastAttemptAt: Date | null;
  /** When it, or for one that is held its endpoint, gets the next attempt: set while `retrying` and `deferred`. */
  readonly nextAttemptAt: Date | null;
  /** From acceptance to the start of the first attempt, ms. */
  readonly forwardMs: number | null;
  /** When it was delivered or given up; null while it is neither. */
  readonly finishedAt: Date | null;
  /** When its last replay began; null where it was never replayed. */
  readonly replayedAt: Date | null;
  /** A replay is requested, and has not started. */
  readonly replayRequestedAt: Date | null;
  /** Its endpoint has been deleted: it cannot be replayed. */
  readonly isEndpointDeleted: boolean;
}

export interface LoggedCallbackWithAttempts extends LoggedCallback {
  /** Oldest first. */
  readonly attempts: readonly LoggedAttempt[];
  /** Its payload is kept, so that it can be replayed. */
  readonly hasPayload: boolean;
}

export interface LogFilter {
  readonly callbackApiId?: string | undefined;
  readonly callbackType?: string | undefined;
  readonly state?: LogState | undefined;
  /** Why it was given up: no other callback has one. */
  readonly reason?: GiveUpReason | undefined;
  /** Those of one replay of many. */
  readonly replayId?: string | undefined;
  readonly subjectId?: string | undefined;
  /** Queued at or after. */
  readonly since?: Date | undefined;
  /** Queued before. */
  readonly until?: Date | undefined;
}

/** Where a page begins: after this one, in the order of the list (newest first). */
export interface LogCursor {
  readonly queuedAt: Date;
  readonly id: string;
}

export interface LogPage {
  readonly callbacks: readonly LoggedCallback[];
  /** Null on the last page. `encodeLogCursor` makes text of it. */
  readonly next: LogCursor | null;
}

/** What happened in a span of time. `failed` counts attempts without a 2xx; the others count callbacks. */
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

/** Estimates from a histogram, ms, within a factor of √2; null where nothing was measured. */
export interface Percentiles {
  readonly p50: number | null;
  readonly p99: number | null;
}

/** The circuit of an endpoint that is on hold. */
export interface CircuitView {
  readonly callbackApiId: string;
  /** `half_open`: a probe is on its way, or what was held is being released. */
  readonly state: 'open' | 'half_open';
  /** When the next probe follows; null while `half_open`. */
  readonly until: Date | null;
}

/** An endpoint (a callback API) in the list of the overview. */
export interface EndpointSummary {
  readonly callbackApiId: string;
  readonly serviceId: string;
  readonly callbackType: string;
  readonly url: string;
  /** While set, callbacks are not attempted and kept as dead letters. */
  readonly disabledAt: Date | null;
  /** Since when there was no success; null where the last attempt succeeded or there was none. */
  readonly failingSince: Date | null;
  readonly attemptsSinceSuccess: number;
  readonly lastSuccessAt: Date | null;
  readonly lastFailureAt: Date | null;
  /** A status code ('503') or an error of ours ('timeout'). */
  readonly lastFailure: string | null;
  /** How far on its way to being disabled it was warned of, while that failure goes on; 0: not yet. */
  readonly warnedPercent: number;
  readonly circuit: CircuitView | null;
  /** Callbacks that wait for an attempt, counted to 1,000. */
  readonly waiting: number;
  /** Of the last 24 hours. */
  readonly day: Outcomes;
}

/** By what a list of endpoints is sorted; `trouble`: worst first. */
export const ENDPOINT_ORDERS = ['trouble', 'url', 'waiting', 'delivered', 'failed', 'given_up'] as const;
export type EndpointOrder = (typeof ENDPOINT_ORDERS)[number];

/** `working`: neither of the others. */
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

/** How many endpoints fail in one way. */
export interface FailingEndpoints {
  /** A status code ('503') or an error of ours ('timeout'). */
  readonly failure: string | null;
  readonly endpoints: number;
}

export interface Overview {
  /** Callbacks delivered or given up a second, of the last one to two minutes. */
  readonly callbacksPerSecond: number;
  /** Acceptance to first attempt. */
  readonly forwardDelay: { readonly fiveMinutes: Percentiles; readonly hour: Percentiles };
  /** Attempts in flight in all processes; null in a service's own view. */
  readonly inFlight: number | null;
  /** How long the oldest due job has waited, ms; null in a service's own view, or if the queue does not respond. */
  readonly oldestDueMs: number | null;
  /** Of the endpoints in scope, 200 a process at most. */
  readonly openCircuits: readonly CircuitView[];
  /** That wait for a replay or their end; counted to 100,000. */
  readonly deadLetters: number;
  /** Callbacks that wait for an attempt; counted to 100,000. */
  readonly waiting: number;
  /** Worker processes with a heartbeat in the last 30 s; null in a service's own view. */
  readonly processes: number | null;
  /** What the log had to drop since those processes started; null in a service's own view. */
  readonly droppedFacts: number | null;
  /** 60 minutes, oldest first, the running one last; minutes without anything included. */
  readonly lastHour: readonly OutcomesAt[];
  /** 24 hours, likewise. */
  readonly lastDay: readonly OutcomesAt[];
  /** How many endpoints there are, how many of them fail, by how, and how many are disabled; listed here or not. */
  readonly allEndpoints: number;
  readonly failing: readonly FailingEndpoints[];
  readonly disabledEndpoints: number;
  /** In the order of the query. `worst`: failing ones by how long, then those with failures, then the rest. */
  readonly endpoints: readonly EndpointSummary[];
  /** The five that have failed for longest. */
  readonly worst: readonly EndpointSummary[];
}

export interface EndpointFigures {
  readonly callbackApiId: string;
  readonly serviceId: string;
  readonly lastSuccessAt: Date | null;
  readonly lastFailureAt: Date | null;
  /** A status code ('503') or an error of ours ('timeout'). */
  readonly lastFailure: string | null;
  readonly failingSince: Date | null;
  readonly attemptsSinceSuccess: number;
  /** As in the list of the overview. */
  readonly warnedPercent: number;
  /** 24 hours, oldest first, the running one last. */
  readonly hours: readonly OutcomesAt[];
  /** How long its responses took in those hours; attempts without a response (a timeout) included. */
  readonly answerMs: Percentiles;
  readonly circuit: CircuitView | null;
  /** Callbacks that wait for an attempt, counted to 10,000. */
  readonly backlog: number;
  /** When the first of them is tried again. */
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

/** What an id, a subject or their beginnings lead to; of each kind 20 at most. */
export interface SearchResult {
  /** Newest first. */
  readonly callbacks: readonly LoggedCallback[];
  readonly endpoints: readonly FoundEndpoint[];
  readonly services: readonly FoundService[];
  readonly replays: readonly FoundReplay[];
}
