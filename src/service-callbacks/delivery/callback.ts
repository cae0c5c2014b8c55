import type { TraceCarrier } from '../tracing/trace-carrier.js';
import type { AttemptRecord, CallbackDocument } from './callback-job.js';

/** A callback on its way: who it is, what has been tried, and what an attempt needs. */
export interface Callback {
  readonly id: string;
  readonly serviceId: string;
  readonly callbackType: string;
  readonly callbackApiId: string;
  readonly subjectId: string;
  /** Unix milliseconds. */
  readonly queuedAt: number;
  readonly generation: number;
  /** How many of `attempts` are of earlier generations. */
  readonly generationStart: number;
  readonly attempts: readonly AttemptRecord[];
  /** The encrypted document, as it goes on to the retry queue or the dead letters. */
  readonly sealed: string;
  readonly document: CallbackDocument;
  /** Where in which trace it was enqueued; none where nobody traces, or a release before tracing wrote the job. */
  readonly trace?: TraceCarrier | undefined;
}

/**
 * Whether the next attempt is the first that is ever made. How late it starts says how well callbacks are moved;
 * how late one of a replay starts says when somebody pressed a button.
 */
export function isFirstOfAll({ attempts, generation }: Callback): boolean {
  return attempts.length === 0 && generation === 0;
}
