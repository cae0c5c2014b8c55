import { z } from 'zod';
import { traceCarrierSchema } from '../tracing/trace-carrier.js';

/** The version of this shape. Callbacks of a later version's job go back to the record. */
export const BATCH_JOB_VERSION = 2;

/** A job that waited longer (in a queue, for a permit, or between mark and add) may be out of date, ms. */
export const RECHECK_AFTER_MS = 2_000;

const LARGEST_INTEGER = 2_147_483_647;

const batchedCallback = z.object({
  id: z.guid(),
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
  /** An invalid carrier loses a trace, never a callback. */
  trace: traceCarrierSchema.optional().catch(undefined),
  /** The sealed JSON text of the payload. */
  payload: z.string(),
});

/** Many callbacks of one queue, with everything that their requests need; secrets are sealed. */
const batchJobData = z.object({
  v: z.literal(BATCH_JOB_VERSION),
  endpoints: z.array(
    z.object({
      id: z.string(),
      /** Sealed: URL, token and signing secrets at the time of the batch. */
      destination: z.string(),
    }),
  ),
  callbacks: z.array(batchedCallback).min(1),
  /** The worker reads first which of its callbacks are open. */
  recheck: z.boolean().default(false),
  /** Its callback was in batches that stalled. */
  alone: z.boolean().default(false),
  /** Its callback is a probe. The time at which the next probe may follow, Unix ms. */
  next_probe_at: z.number().optional(),
});

export type BatchedCallback = z.infer<typeof batchedCallback>;
export type BatchJobData = z.infer<typeof batchJobData>;

/** @returns undefined if the data has another shape */
export function readBatchJob(data: unknown): BatchJobData | undefined {
  const read = batchJobData.safeParse(data);
  return read.success ? read.data : undefined;
}

/** Whether the data claims to be of this shape or a later version of it. */
export function isBatchJob(data: unknown): boolean {
  const { v } = (data ?? {}) as { v?: unknown };
  return typeof v === 'number' && v >= BATCH_JOB_VERSION;
}

/** Associated data of a destination: in another batch or for another endpoint, it does not decrypt. */
export function destinationBinding(batch: string, endpointId: string): string {
  return `service-callback-batch:${batch}:${endpointId}`;
}

/** The URL and the credentials of a request. */
export interface Destination {
  readonly url: string;
  readonly bearerToken: string;
  /** `whsec_…`, the current one first; empty: requests are not signed. */
  readonly signingSecrets: readonly string[];
}
