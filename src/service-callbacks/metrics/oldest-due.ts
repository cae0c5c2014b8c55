import type { Queue } from 'bullmq';

/** When the job that has been due for longest became due, Unix ms; undefined where none waits or is delayed. */
export async function oldestDueAt(queue: Queue): Promise<number | undefined> {
  const [waiting, prioritized, delayed] = await Promise.all([
    queue.getJobs(['waiting'], 0, 0, true),
    queue.getJobs(['prioritized'], 0, 0, true),
    queue.getJobs(['delayed'], 0, 0, true),
  ]);
  const dueTimes = [...waiting, ...prioritized, ...delayed].map((job) => job.timestamp + job.delay);
  return dueTimes.length > 0 ? Math.min(...dueTimes) : undefined;
}
