import { z } from 'zod';
import { traceCarrierSchema } from '../tracing/trace-carrier.js';

/** The version of this shape; a job of a later one goes back to the record. */
export const BATCH_JOB_VERSION = 2;

/** What waited longer, in a queue, for a permit, or between mark and add, may be out of date, ms. */
export const RECHECK_AFTER_MS = 2_000;

const LARGEST_INTEGER = 2_147_483_647;

const batchedCallback = z.object({
  id: z.string(),
  /** Index into `endpoints`. */
  endpoint: z.int().min(0),
  service_id: z.string(),
  callback_type: z.string(),
  subject_id: z.string(),
  /** Unix ms. */
  queued_at: z.number(),
  generation: z.int().min(0).max(LARGEST_INTEGER),
  attempts: z.int().min(0),
  earlier_attempts: z.int().min(0),
  /** A carrier that cannot be read costs a trace, never a callback. */
  trace: traceCarrierSchema.optional().catch(undefined),
  /** The JSON text to send, sealed. */
  payload: z.string(),
});

/** Many callbacks of one queue, with all that their requests need; what is secret in it is sealed. */
const batchJobData = z.object({
  v: z.literal(BATCH_JOB_VERSION),
  endpoints: z.array(
    z.object({
      id: z.string(),
      /** URL, token and signing secrets as they were when the batch was made, sealed. */
      destination: z.string(),
    }),
  ),
  callbacks: z.array(batchedCallback).min(1),
  /** Which of its callbacks are still open is read before anything is sent. */
  recheck: z.boolean().default(false),
  /** A callback whose earlier batches stalled. */
  alone: z.boolean().default(false),
  /** Its one callback is the probe of an endpoint on hold: when the next one may follow, Unix ms. */
  next_probe_at: z.number().optional(),
});

export type BatchedCallback = z.infer<typeof batchedCallback>;
export type BatchJobData = z.infer<typeof batchJobData>;

/** @returns undefined where the data has another shape. */
export function readBatchJob(data: unknown): BatchJobData | undefined {
  const read = batchJobData.safeParse(data);
  return read.success ? read.data : undefined;
}

/** Whether it claims to be of this shape or a later version of it. */
export function isBatchJob(data: unknown): boolean {
  const { v } = (data ?? {}) as { v?: unknown };
  return typeof v === 'number' && v >= BATCH_JOB_VERSION;
}

/** Associated data of a destination: moved to another batch or endpoint, it does not decrypt. */
export function destinationBinding(batch: string, endpointId: string): string {
  return `service-callback-batch:${batch}:${endpointId}`;
}

/** Where a request goes, with what credentials. */
export interface Destination {
  readonly url: string;
  readonly bearerToken: string;
  /** `whsec_…`, the one in use first; none: requests are not signed. */
  readonly signingSecrets: readonly string[];
}
