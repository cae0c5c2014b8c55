import { z } from 'zod';
import { traceCarrierSchema } from '../tracing/trace-carrier.js';

/** The largest `integer` of PostgreSQL, and the last date of JavaScript, ms: a record cannot hold more. */
const MAX = { integer: 2_147_483_647, date: 8.64e15 } as const;

const attemptRecord = z.looseObject({
  at: z.iso.datetime(),
  duration_ms: z.number(),
  status_code: z.number().optional(),
  error: z.string().optional(),
});

/** One callback a job, with an encrypted payload. Fields of later releases are optional. */
export const envelopeSchema = z.object({
  callback_id: z.uuid(),
  service_id: z.string(),
  callback_type: z.string(),
  callback_api_id: z.string(),
  subject_id: z.string(),
  queued_at: z.number().min(0).max(MAX.date),
  generation: z.int().min(0).max(MAX.integer).default(0),
  generation_start: z.int().min(0).default(0),
  document: z.string(),
  attempts: z.array(attemptRecord).default([]),
  trace: traceCarrierSchema.optional().catch(undefined),
});
export type Envelope = z.infer<typeof envelopeSchema>;

/** The encrypted part of an envelope. */
export const documentSchema = z.object({
  url: z.string(),
  payload: z.record(z.string(), z.unknown()),
});

/** The original shape, without an encrypted payload: the job's name is the callback type. */
export const notificationJobSchema = z.strictObject({
  notification_id: z.uuid(),
  service_id: z.uuid(),
});
