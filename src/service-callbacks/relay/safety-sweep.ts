import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { CallbackRecorder } from '../recorder/callback-recorder.js';
import { CallbackRepository } from '../callbacks/callback.repository.js';
import { PeriodicWork } from '../periodically.js';
import { QueueBackend } from '../queues/queue-backend.js';
import { MAIN_QUEUE, RETRY_QUEUE } from '../queues/queue-names.js';
import type { DeliveryOptions } from '../service-callbacks.options.js';
import { DELIVERY_OPTIONS } from '../tokens.js';
import { Batches, queuedJob } from '../queues/batches.js';

/** The interval of sweeps, and the age from which on a marked batch must have a job in a queue, ms. */
const SWEEP_MS = 10_000;
/** The most batches and callbacks of a statement. */
const LIMIT = 1_000;

/**
 * Finds what a crash left: batches that are marked in the record and are in no queue (a process that ended between mark
 * and add, a flushed Redis, a lost replica). It also makes callbacks due whose hold is gone, and gives up those that
 * are too old. Every process runs one; if two find the same at once, it is done once.
 */
@Injectable()
export class SafetySweep extends PeriodicWork implements OnApplicationBootstrap {
  constructor(
    private readonly callbacks: CallbackRepository,
    private readonly batches: Batches,
    private readonly backend: QueueBackend,
    private readonly recorder: CallbackRecorder,
    @Inject(DELIVERY_OPTIONS) private readonly options: DeliveryOptions,
  ) {
    super();
  }

  onApplicationBootstrap(): void {
    this.every(SWEEP_MS, () => this.sweep(), { event: 'sweep.failed', msg: 'The sweep is tried again' });
  }

  async sweep(): Promise<void> {
    await this.expire();
    while ((await this.callbacks.releaseStranded(LIMIT)) === LIMIT);
    for (let after: string | undefined; ;) {
      const batches = await this.callbacks.oldBatches(SWEEP_MS, LIMIT, after);
      for (const batch of batches) {
        if (this.isStopping) return;
        if (await this.isInNoQueue(batch)) await this.addAgain(batch);
      }
      if (batches.length < LIMIT) return;
      after = batches.at(-1);
    }
  }

  private async expire(): Promise<void> {
    for (;;) {
      const expired = await this.callbacks.expire(this.options.maxAgeMs, LIMIT);
      for (const row of expired) this.recorder.gaveUpRow(row, 'expired');
      if (expired.length < LIMIT || this.isStopping) return;
    }
  }

  private async isInNoQueue(batch: string): Promise<boolean> {
    for (const queue of [MAIN_QUEUE, RETRY_QUEUE])
      if ((await this.backend.jobState(queue, batch)) !== 'unknown') return false;
    return true;
  }

  /**
   * Adds a batch under the same id and to the same queue: if its job is only late, it is not added twice. Its worker
   * first reads what is still open.
   */
  private async addAgain(batch: string): Promise<void> {
    const open = await this.callbacks.openOfBatch(batch, await this.callbacks.idsOfBatch(batch));
    const { jobs } = this.batches.make(
      open.filter(({ is_deleted: isDeleted }) => !isDeleted),
      true,
    );
    const queue = open[0]?.is_first === true ? MAIN_QUEUE : RETRY_QUEUE;
    for (const job of jobs) await this.backend.add(queuedJob(queue, job));
    // Its only callbacks are of deleted endpoints, or of endpoints whose key is missing: they are taken anew.
    if (jobs.length === 0) await this.callbacks.rescheduleBatch(batch, 0);
    this.logger.warn({ event: 'batch.found', batch, callbacks: open.length, msg: 'A batch was in no queue' });
  }
}
