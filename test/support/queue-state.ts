import { getQueueToken } from '@nestjs/bullmq';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { DataSource } from 'typeorm';
import { MAIN_QUEUE, RETRY_QUEUE } from '../../src/service-callbacks/queues/queue-names.js';
import { eventually } from './eventually.js';
import { testedBackend } from './queue-backend.js';
import type { TestService } from './service.js';

const QUEUES = [MAIN_QUEUE, RETRY_QUEUE] as const;

/** Every state a job can be in. */
const STATES = ['waiting', 'active', 'delayed', 'prioritized', 'completed', 'failed'] as const;

export function queueOf(service: TestService, name: string): Queue {
  return service.app.get<Queue>(getQueueToken(name));
}

/** Every job that is in a queue, as `queue id`. */
export async function queuedJobs(service: TestService): Promise<string[]> {
  const found = await Promise.all(
    QUEUES.map(async (name) => {
      const jobs = await queueOf(service, name).getJobs([...STATES]);
      return jobs.map((job) => `${name} ${job.id}`);
    }),
  );
  return found.flat();
}

/**
 * Resolves when every callback is finished and no job is in either queue.
 * @param timeoutMs longer if a worker was stopped: the lock of its last job may have to expire
 */
export function allFinished(service: TestService, timeoutMs?: number): Promise<void> {
  return eventually(async () => {
    const open = await openCallbacks(service);
    if (open.length > 0) throw new Error(`These callbacks are open: ${open.join(', ')}`);
    // Twice: a job that moves between two states may be in neither response.
    const jobs = [...(await queuedJobs(service)), ...(await queuedJobs(service))];
    if (jobs.length > 0) throw new Error(`These jobs are in the queues: ${jobs.join(', ')}`);
  }, timeoutMs);
}

/** Every callback that is not finished, as `state id`. */
async function openCallbacks(service: TestService): Promise<string[]> {
  const rows = await service.app
    .get(DataSource)
    .query<{ id: string; state: string }[]>(
      `SELECT id, state FROM service_callbacks WHERE state NOT IN ('delivered', 'given_up')`,
    );
  return rows.map(({ id, state }) => `${state} ${id}`);
}

/** The steps of a job's life that are the same on both backends. */
const STEPS: readonly string[] = ['added', 'active', 'completed', 'failed', 'stalled', 'duplicated'];

/** What BullMQ noted of a job, oldest first: `added`, `active` for each attempt, then how it ended. */
export async function jobHistory(service: TestService, queue: string, jobId: string): Promise<string[]> {
  const events =
    testedBackend() === 'postgres'
      ? await eventsOnPostgres(service, queue, jobId)
      : await eventsOnRedis(queueOf(service, queue), jobId);
  return events.filter((event) => STEPS.includes(event));
}

async function eventsOnPostgres(service: TestService, queue: string, jobId: string): Promise<string[]> {
  const statement = `SELECT event FROM bullmq.event WHERE queue = $1 AND data->>'jobId' = $2 ORDER BY id`;
  const rows = await service.app.get(DataSource).query<{ event: string }[]>(statement, [queue, jobId]);
  return rows.map(({ event }) => event);
}

async function eventsOnRedis(queue: Queue, jobId: string): Promise<string[]> {
  const redis = (await queue.backend.client) as unknown as Redis;
  const entries = await redis.xrange(queue.toKey('events'), '-', '+');
  return entries
    .map(([, flat]) => pairs(flat))
    .flatMap((event) => (event.get('jobId') === jobId ? [event.get('event') ?? ''] : []));
}

/** Redis returns a stream's fields flat: name, value, name, value. */
function pairs(flat: readonly string[]): ReadonlyMap<string, string> {
  const names = flat.filter((_, at) => at % 2 === 0);
  return new Map(names.map((name, at) => [name, flat[2 * at + 1] ?? '']));
}
