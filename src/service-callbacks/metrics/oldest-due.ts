import type { Job, Queue } from 'bullmq';

/** When the job that has been due for longest became due, Unix ms; undefined where none waits or is delayed. */
export async function oldestDueAt(queue: Queue): Promise<number | undefined> {
  const [waiting, prioritized, delayed] = await Promise.all([
    queue.getJobs(['waiting'], 0, 0, true),
    queue.getJobs(['prioritized'], 0, 0, true),
    queue.getJobs(['delayed'], 0, 0, true),
  ]);
  const dueTimes = [...waiting, ...prioritized, ...delayed].map(dueAtOf);
  return dueTimes.length > 0 ? Math.min(...dueTimes) : undefined;
}

/** By what the job says itself: of one that waits again the queue knows only when it was first enqueued. */
function dueAtOf({ data, timestamp, delay }: Job): number {
  const { due_at: dueAt } = (data ?? {}) as { readonly due_at?: unknown };
  return typeof dueAt === 'number' ? dueAt : timestamp + delay;
}
