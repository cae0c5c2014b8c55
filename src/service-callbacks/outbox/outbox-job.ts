import { z } from 'zod';
import type { QueuedJob } from '../../queues/queue-backend.js';
import { parsedJson, problemsOf } from '../unknown-json.js';

/** What BullMQ takes: its ids are no whole numbers and have no colon. */
const shape = z.looseObject({
  queue: z.string().min(1),
  name: z.string().min(1),
  data: z.unknown(),
  options: z.looseObject({ jobId: z.string().regex(/^(?!\d+$)[^:]+$/) }),
});

export type ReadOutboxJob =
  | { readonly kind: 'job'; readonly job: QueuedJob }
  /** @property reason in words, without its contents */
  | { readonly kind: 'refused'; readonly reason: string };

/** A row of the outbox as the job that it holds, or why it holds none. */
export function readOutboxJob(text: string): ReadOutboxJob {
  const read = shape.safeParse(parsedJson(text));
  if (read.success) return { kind: 'job', job: read.data };
  return { kind: 'refused', reason: `not a job: ${problemsOf(read.error)}` };
}
