import { setTimeout as sleep } from 'node:timers/promises';
import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { ClientConfig } from 'pg';
import type { DataSource } from 'typeorm';
import { RedisAwayError } from '../../queues/redis-away.error.js';
import { RedisQueueBackend } from '../../queues/redis-queue-backend.js';
import { QueueBackend } from '../../queues/queue-backend.js';
import { connectionOf } from '../database-connection.js';
import { messageOf } from '../message-of.js';
import { SERVICE_CALLBACKS_OPTIONS, type ServiceCallbacksOptions } from '../service-callbacks.options.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { OutboxRepository } from './outbox.repository.js';
import { PostgresListener } from './postgres-listener.js';

/** Jobs a round trip to Redis; what bounds the memory of a relay. */
const BATCH = 500;
/** Without any wake-up (a process that died with its commit, a pooler that passes on no notification), ms. */
const SWEEP_MS = 1_000;
/** After a failure, ms. */
const RETRY_MS = 500;
/** A Redis that took jobs so lately is there, ms. */
const TRUSTED_MS = 1_000;

/**
 * Moves the outbox to Redis: at once after each commit of this process, after an outage as soon as Redis is back,
 * and once a second what others have left. Any number of relays work side by side; one that crashes with rows in hand
 * leaves them, and a job that went over twice is one job, by its id.
 */
@Injectable()
export class OutboxRelay implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('ServiceCallbacks');
  private readonly stopping = new AbortController();
  private listener: PostgresListener | undefined;
  private running: Promise<void> | undefined;
  private tookAt = Number.NEGATIVE_INFINITY;
  private wakeUp = Promise.withResolvers<void>();

  constructor(
    private readonly backend: QueueBackend,
    private readonly outbox: OutboxRepository,
    @Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource,
    @Inject(SERVICE_CALLBACKS_OPTIONS) private readonly options: ServiceCallbacksOptions,
  ) {}

  onApplicationBootstrap(): void {
    const { backend } = this;
    if (!(backend instanceof RedisQueueBackend)) return;
    this.listener = new PostgresListener(this.connection(), this.outbox.channel, () => this.wake());
    this.listener.start();
    this.running = this.run(backend);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    this.wake();
    await this.running;
    await this.listener?.stop();
  }

  private connection(): ClientConfig {
    const { queue } = this.options;
    return queue.backend === 'redis' && queue.listenUrl !== undefined
      ? { connectionString: queue.listenUrl }
      : connectionOf(this.dataSource);
  }

  private wake(): void {
    this.wakeUp.resolve();
  }

  private async run(backend: RedisQueueBackend): Promise<void> {
    let healthy = true;
    while (!this.stopping.signal.aborted) {
      this.wakeUp = Promise.withResolvers<void>();
      try {
        // Whether it is over is asked with one job alone: what is full refuses it as it would refuse hundreds.
        if (!healthy) await this.move(backend, 1);
        await this.drain(backend);
        healthy = true;
        await this.untilWoken(SWEEP_MS);
      } catch (error) {
        // Said once an outage, not once a try.
        if (healthy)
          this.logger.error({ event: 'outbox.blocked', error: messageOf(error), msg: 'The outbox waits' });
        healthy = false;
        await (error instanceof RedisAwayError ? this.untilReachable(backend) : this.pause(RETRY_MS));
      }
    }
  }

  private async drain(backend: RedisQueueBackend): Promise<void> {
    while (!this.stopping.signal.aborted && (await this.move(backend, BATCH)) === BATCH);
  }

  /** @returns how many rows are out of the outbox, `limit` at most */
  private async move(backend: RedisQueueBackend, limit: number): Promise<number> {
    // Nothing is locked and no connection held while Redis is known to be away.
    if (performance.now() - this.tookAt > TRUSTED_MS) await backend.ping();
    const { rows, refusals } = await this.outbox.take(limit, async (jobs) => {
      await backend.addBulk(jobs);
      if (jobs.length > 0) this.tookAt = performance.now();
    });
    for (const { seq, reason } of refusals)
      this.logger.error({
        event: 'outbox.refused',
        seq,
        error: reason,
        msg: 'A row of the outbox is no job',
      });
    return rows;
  }

  private async untilWoken(ms: number): Promise<void> {
    const timer = setTimeout(() => this.wake(), ms);
    await this.wakeUp.promise;
    clearTimeout(timer);
  }

  /** Whatever is committed meanwhile: every receipt would be a try. */
  private async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }

  private async untilReachable(backend: RedisQueueBackend): Promise<void> {
    await backend.reachable(this.stopping.signal).catch(() => undefined);
  }
}
