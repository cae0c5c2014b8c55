import { z } from 'zod';
import type { TraceCarrier } from '../tracing/trace-carrier.js';
import type { CallbackId } from './callback-id.js';
import type { DeliveryError } from './delivery-outcome.js';

/** One attempt as it is remembered: when, how long, and what came back. */
export interface AttemptRecord {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly duration_ms: number;
  readonly status_code?: number;
  readonly error?: DeliveryError;
}

/**
 * A job as this release writes it. What is in the clear is what an operator may see in the queue;
 * where it goes and what it says are in `document` (R9). A newer release may add fields (R10).
 */
export interface CallbackJobData {
  readonly v: 1;
  readonly callback_id: CallbackId;
  readonly service_id: string;
  readonly callback_type: string;
  readonly callback_api_id: string;
  readonly subject_id: string;
  /** Unix milliseconds of the moment the callback was accepted; its age counts from here. */
  readonly queued_at: number;
  /** Starts at 0; a replay starts the next one. */
  readonly generation: number;
  /** A `CallbackDocument`, encrypted with `documentBinding` as associated data. */
  readonly document: string;
  /** How many of `attempts` were made before this generation; its retries count from there. Default 0. */
  readonly generation_start?: number;
  /** Attempts already made, oldest first. */
  readonly attempts: readonly AttemptRecord[];
  /** Where in which trace it was enqueued. */
  readonly trace?: TraceCarrier;
  /** Of a retry job: when it is to be taken, Unix ms. The queue forgets that once it is due. */
  readonly due_at?: number;
}

/** What is inside the encrypted document. */
export interface CallbackDocument {
  readonly v: 1;
  readonly url: string;
  readonly bearer_token: string;
  /** `whsec_…`, the one in use first. A document of a release before signing has none and goes out unsigned. */
  readonly signing_secrets?: readonly string[] | undefined;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Associated data of a document: a document moved to another callback does not decrypt. */
export function documentBinding(id: string): string {
  return `service-callback:${id}`;
}

/** Of the retry job, or of a replay's: an id of its own per generation, since an id still kept swallows an `add`. */
export function retryJobId(id: string, generation: number): string {
  return `${id}.${generation}`;
}

/** The largest `integer` of PostgreSQL, and the last date of JavaScript, ms: a dead letter has to hold them. */
const MAX = { integer: 2_147_483_647, date: 8.64e15 } as const;

const attemptRecord = z.looseObject({
  at: z.iso.datetime(),
  duration_ms: z.number(),
  status_code: z.number().optional(),
  error: z.string().optional() as z.ZodType<DeliveryError | undefined>,
});

/** Of the lengths that W3C Trace Context allows; a carrier that is none costs a trace, never a callback. */
const traceCarrier = z.object({
  traceparent: z.string().max(100),
  tracestate: z.string().max(512).optional(),
});

/** Reads what any release since the first wrote; unknown fields are ignored (R10). */
export const callbackJobSchema = z.object({
  callback_id: z.uuid() as unknown as z.ZodType<CallbackId>,
  service_id: z.string(),
  callback_type: z.string(),
  callback_api_id: z.string(),
  subject_id: z.string(),
  queued_at: z.number().min(0).max(MAX.date),
  generation: z.int().min(0).max(MAX.integer).default(0),
  generation_start: z.int().min(0).default(0),
  document: z.string(),
  attempts: z.array(attemptRecord).default([]),
  trace: traceCarrier.optional().catch(undefined),
});

export const callbackDocumentSchema = z.object({
  url: z.string(),
  bearer_token: z.string(),
  signing_secrets: z.array(z.string()).optional(),
  payload: z.record(z.string(), z.unknown()),
});

/** What a release before the encrypted document wrote: the job's name is the callback type (R10). */
export const legacyJobSchema = z.strictObject({
  notification_id: z.uuid(),
  service_id: z.uuid(),
});
