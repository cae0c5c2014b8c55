import type { Redis } from 'ioredis';
import { DataSource } from 'typeorm';
import { testedBackend } from './queue-backend.js';
import { queueOf } from './queue-state.js';
import type { TestService } from './service.js';

/** Makes a job look as if so many workers had died under it; what really kills them is in test/faults. */
export async function pretendStalled(
  service: TestService,
  queue: string,
  jobId: string,
  times: number,
): Promise<void> {
  if (testedBackend() === 'postgres') {
    await service.app
      .get(DataSource)
      .query('UPDATE bullmq.job SET stalled_count = $3 WHERE queue = $1 AND id = $2', [queue, jobId, times]);
    return;
  }
  const owner = queueOf(service, queue);
  const redis = (await owner.backend.client) as unknown as Redis;
  await redis.hset(owner.toKey(jobId), 'stc', times);
}
