import { once } from 'node:events';
import { Logger } from '@nestjs/common';
import {
  createRedisBackend,
  Queue,
  type BackendFactory,
  type Processor,
  type Worker,
  type WorkerOptions,
} from 'bullmq';
import { Redis, type Cluster, type RedisOptions } from 'ioredis';
import {
  QueueBackend,
  workerTiming,
  type AnyJob,
  type QueuedJob,
  type QueueTiming,
  type QueueWorkerOptions,
} from './queue-backend.js';
import { addJobs } from './add-jobs.js';
import { gatherWrites } from './gathered-writes.js';
import { checkRedisConfiguration } from './redis-configuration.js';
import { RedisAwayError } from './redis-away.error.js';
import { TolerantWorker } from './tolerant-worker.js';

export interface RedisQueueOptions extends QueueTiming {
  /** Makes a client, Sentinel's and Cluster's included, with these options on top of its own. */
  readonly connect: (options: RedisOptions) => Redis | Cluster;
  /** BullMQ's key prefix; on a cluster one with a hash tag, such as `{bull}`. */
  readonly prefix?: string;
}

/** How long a command may take where nobody can wait for Redis to come back, ms. */
const COMMAND_TIMEOUT_MS = 5_000;
/** How long `open()` waits for a Redis that is not there; after that the outbox fills and work begins later. */
const OPEN_TIMEOUT_MS = 3_000;

const factory = createRedisBackend as unknown as BackendFactory;

/**
 * BullMQ on Redis, for those who outgrow one database. Two clients a process, however many services: one
 * waits for a Redis that is away (workers), the other says so at once (relay, health). Each worker adds
 * the blocking connection BullMQ needs.
 */
export class RedisQueueBackend extends QueueBackend {
  readonly kind = 'redis';
  /** All go down one connection, whatever is still unanswered. */
  readonly commandsAtOnce = Number.POSITIVE_INFINITY;
  private readonly patient: Redis | Cluster;
  private readonly prompt: Redis | Cluster;
  private readonly promptQueues = new Map<string, Queue>();
  private readonly logger = new Logger('ServiceCallbacks');
  /** Why this Redis must not hold callbacks, once it has been asked. */
  private refusal: Error | undefined;
  /** What has been warned of, so that a reconnect does not say it again. */
  private warned: string | undefined;

  constructor(private readonly options: RedisQueueOptions) {
    super();
    const retryStrategy = (times: number) => Math.min(50 * 2 ** times, 1_000);
    this.patient = options.connect({ maxRetriesPerRequest: null, retryStrategy });
    gatherWrites(this.patient);
    this.prompt = options.connect({
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      commandTimeout: COMMAND_TIMEOUT_MS,
      retryStrategy,
    });
    // Whoever issues a command gets its error; a client without a listener would print it as well.
    this.patient.on('error', () => undefined);
    this.prompt.on('error', () => undefined);
    this.prompt.on('ready', () => {
      this.checkConfiguration().catch((error: unknown) => {
        this.logger.error({
          event: 'queue.refused',
          error: error instanceof Error ? error.message : String(error),
        });
      });
    });
  }

  async open(): Promise<void> {
    if (this.prompt.status !== 'ready') {
      await once(this.prompt, 'ready', { signal: AbortSignal.timeout(OPEN_TIMEOUT_MS) }).catch(
        () => undefined,
      );
    }
    if (this.prompt.status === 'ready') await this.checkConfiguration();
    else
      this.logger.warn({ event: 'queue.away', msg: 'Redis does not answer: callbacks wait in the outbox' });
  }

  createQueue(name: string): Queue {
    return this.queueOn(this.patient, name);
  }

  createWorker(name: string, processor: Processor, options: QueueWorkerOptions): Worker {
    const workerOptions = {
      ...options,
      ...workerTiming(this.options),
      ...this.prefixOption(),
      connection: this.patient,
      autorun: false,
    } as unknown as WorkerOptions;
    return new TolerantWorker(this, name, processor, workerOptions, factory);
  }

  /** Resolves when Redis answers again; at once where it does now. */
  async reachable(signal: AbortSignal): Promise<void> {
    if (this.prompt.status !== 'ready') await once(this.prompt, 'ready', { signal });
  }

  /** In one round trip a queue. @throws RedisAwayError at once where Redis is away. */
  async addBulk(jobs: readonly QueuedJob[]): Promise<void> {
    this.assertUsable();
    const byQueue = Map.groupBy(jobs, (job) => job.queue);
    for (const [name, queued] of byQueue) {
      await addJobs(await this.promptQueue(name), queued);
    }
  }

  /** A script of BullMQ's reaches one queue. */
  async replace(_job: AnyJob, _token: string | undefined, add: () => Promise<unknown>): Promise<boolean> {
    await add();
    return false;
  }

  async ping(): Promise<void> {
    // What was wrong with it may have been put right since.
    if (this.refusal && this.prompt.status === 'ready') await this.checkConfiguration();
    this.assertUsable();
    await this.prompt.ping();
  }

  async now(): Promise<number> {
    this.assertUsable();
    const [seconds, microseconds] = await this.prompt.time();
    return Number(seconds) * 1_000 + Number(microseconds) / 1_000;
  }

  async close(): Promise<void> {
    await Promise.all([...this.promptQueues.values()].map((queue) => queue.close()));
    this.prompt.disconnect();
    this.patient.disconnect();
  }

  private async promptQueue(name: string): Promise<Queue> {
    const known = this.promptQueues.get(name);
    if (known) return known;
    const queue = this.queueOn(this.prompt, name);
    try {
      // BullMQ remembers for ever that this failed: such a queue is thrown away.
      await queue.waitUntilReady();
    } catch (error) {
      await queue.close().catch(() => undefined);
      throw error;
    }
    this.promptQueues.set(name, queue);
    return queue;
  }

  private queueOn(connection: Redis | Cluster, name: string): Queue {
    const queue = new Queue(
      name,
      { connection, ...this.prefixOption(), skipMetasUpdate: true },
      factory as never,
    );
    queue.on('error', () => undefined);
    return queue;
  }

  private prefixOption(): { prefix?: string } {
    return this.options.prefix === undefined ? {} : { prefix: this.options.prefix };
  }

  private assertUsable(): void {
    if (this.refusal) throw this.refusal;
    if (this.prompt.status !== 'ready') throw new RedisAwayError();
  }

  private async checkConfiguration(): Promise<void> {
    const { refusal, warning } = await checkRedisConfiguration(this.prompt);
    this.refusal = refusal;
    if (refusal) throw refusal;
    if (warning !== undefined && warning !== this.warned)
      this.logger.warn({ event: 'queue.unsafe', msg: warning });
    this.warned = warning;
  }
}
