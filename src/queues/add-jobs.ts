import type { Queue } from 'bullmq';
import type { QueuedJob } from './queue-backend.js';

/**
 * One is not a batch of one: for a batch BullMQ makes two temporary tables on PostgreSQL, which costs as much as two
 * dozen single jobs, and on Redis ioredis makes an object with a function for each of BullMQ's scripts.
 *
 * @param jobs all of them for this queue
 */
export async function addJobs(queue: Queue, jobs: readonly QueuedJob[]): Promise<void> {
  const [only, ...others] = jobs;
  if (only && others.length === 0) await queue.add(only.name, only.data, only.options);
  else await queue.addBulk(jobs.map(({ name, data, options }) => ({ name, data, opts: options })));
}
