import { z } from 'zod';
import type { AnyJob } from '../../queues/queue-backend.js';
import { GIVE_UP_REASONS } from '../dead-letters/dead-letter.entity.js';
import type { Ending } from '../dead-letters/ending.js';
import type { UnburiedError } from '../dead-letters/unburied.error.js';
import type { DeliveryFailure } from './delivery-outcome.js';

const rememberedEnding = z.object({
  ending: z.object({
    reason: z.enum(GIVE_UP_REASONS),
    facts: z.object({ attempt: z.number(), durationMs: z.number() }).optional(),
    failure: z.looseObject({}).optional() as unknown as z.ZodType<DeliveryFailure | undefined>,
    detail: z.string().optional(),
  }),
});

/** What an earlier run of this job came to and could not write down: nothing more is to be attempted. */
export function endingOf(job: AnyJob): Ending | undefined {
  // Nearly no job has one, and a parser's refusal costs more than all the rest of reading a job.
  return hasEnding(job.data) ? rememberedEnding.safeParse(job.data).data?.ending : undefined;
}

/**
 * Keeps with the job what it came to, so that the database's return costs the endpoint no further attempt. A
 * release that does not know the field makes one (R10).
 */
export async function rememberEnding(job: AnyJob, { subject, ending }: UnburiedError): Promise<void> {
  if (typeof job.data !== 'object' || job.data === null) return;
  await job.updateData({ ...job.data, ...(subject.attempts && { attempts: subject.attempts }), ending });
}

function hasEnding(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'ending' in data;
}
