import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { Worker } from 'bullmq';
import { QueueBackend, type AnyJob, type QueueWorkerOptions } from '../../queues/queue-backend.js';
import { MAIN_QUEUE, RETRY_QUEUE } from '../../queues/queue-names.js';
import { Clock } from '../clock.js';
import { JournalFlusher } from '../delivery-log/journal-flusher.js';
import type { DeliveryOptions } from '../service-callbacks.options.js';
import { DELIVERY_OPTIONS } from '../tokens.js';
import type { CallbackProcessor } from './callback.processor.js';
import { ClockGuard, whyNoJobs, type ClockVerdict } from './clock-guard.js';
import { FirstAttemptProcessor } from './first-attempt.processor.js';
import { PutOff } from './put-off.js';
import { RetryLaterError } from './retry-later.error.js';
import { RetryProcessor } from './retry.processor.js';

/** Never reached: a job that keeps stalling is ended by the processor, with a dead letter (`MAX_STALLS`). */
const NEVER_FAIL_ON_STALL = 1_000_000;

/** In an outbreak callbacks are put off and fall due all the time, and no retry is in such a hurry, ms. */
const RETRY_REST_MS = 50;

/**
 * Starts and stops the two workers (ADR 0003: `@nestjs/bullmq` has no per-queue backend), and lets them
 * take jobs only while this process's clock agrees with the queue's.
 */
@Injectable()
export class Workers implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('ServiceCallbacks');
  private readonly guard: ClockGuard;
  private workers: readonly Worker[] = [];
  private stopping = false;

  constructor(
    private readonly backend: QueueBackend,
    private readonly firstAttempts: FirstAttemptProcessor,
    private readonly retries: RetryProcessor,
    private readonly putOff: PutOff,
    private readonly journal: JournalFlusher,
    clock: Clock,
    @Inject(DELIVERY_OPTIONS) private readonly options: DeliveryOptions,
  ) {
    this.guard = new ClockGuard(backend, clock, (verdict) => this.obey(verdict));
  }

  /** @throws saying why no jobs are taken. */
  async assertRunning(): Promise<void> {
    if (this.workers.length === 0) throw new Error('not started');
    const verdict = this.guard.current;
    if (verdict.kind !== 'trusted') throw new Error(whyNoJobs(verdict));
    const idle = this.workers.filter((worker) => !worker.isRunning() || worker.isPaused());
    if (idle.length > 0) throw new Error(`not running: ${idle.map((worker) => worker.name).join(', ')}`);
  }

  async onApplicationBootstrap(): Promise<void> {
    this.workers = [
      this.create(MAIN_QUEUE, this.firstAttempts, { concurrency: this.options.concurrency }),
      this.create(RETRY_QUEUE, this.retries, {
        concurrency: this.options.retryConcurrency,
        restMs: RETRY_REST_MS,
      }),
    ];
    await this.guard.start();
  }

  /** Takes no more jobs and lets attempts in flight finish; each is bounded by its own deadline (R12). */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    this.guard.stop();
    // Here, not in hooks of their own: Nest calls theirs after this one, as this depends on them.
    this.firstAttempts.stop();
    this.retries.stop();
    this.putOff.open();
    await Promise.all(this.workers.map((worker) => worker.close()));
    // Nothing more will be told.
    await this.journal.finish();
  }

  private obey(verdict: ClockVerdict): void {
    if (this.stopping) return;
    if (verdict.kind === 'trusted') {
      for (const worker of this.workers) this.resume(worker);
      return;
    }
    if (verdict.kind === 'skewed') {
      const why = whyNoJobs(verdict);
      this.logger.error({ event: 'worker.clock_skewed', error: why, msg: `No jobs are taken: ${why}` });
    }
    for (const worker of this.workers) {
      worker.pause(true).catch((error: unknown) => worker.emit('error', error as Error));
    }
  }

  private resume(worker: Worker): void {
    const resumed = worker.isRunning() || worker.isPaused() ? worker.resume() : worker.run();
    Promise.resolve(resumed).catch((error: unknown) => worker.emit('error', error as Error));
  }

  private create(queue: string, processor: CallbackProcessor, options: QueueWorkerOptions): Worker {
    const worker = this.backend.createWorker(queue, (job: AnyJob, token) => processor.process(job, token), {
      ...options,
      maxStalledCount: NEVER_FAIL_ON_STALL,
      // For jobs of an older release, which say nothing of it: no terminal job stays in either queue.
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
      // While the queue's store is away, how long until the next try, ms.
      runRetryDelay: 1_000,
      settings: {
        backoffStrategy: (_attemptsMade, _type, error) =>
          error instanceof RetryLaterError ? error.delayMs : 0,
      },
    });
    worker.on('error', (error) => {
      this.logger.error({
        event: 'queue.error',
        queue,
        error: error.message,
        msg: 'The queue answered an error',
      });
    });
    worker.on('failed', (job, error) => {
      processor.onFailed(job, error).catch((fault: unknown) => {
        this.logger.error({ event: 'callback.unburied', queue, job_id: job?.id, error: String(fault) });
      });
    });
    return worker;
  }
}
