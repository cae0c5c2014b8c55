import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../../observability/describe-error.js';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import type { QueryRunner } from 'typeorm';
import { CallbackRecorder } from '../recorder/callback-recorder.js';
import { CallbackRepository, type TakenNow } from '../callbacks/callback.repository.js';
import { Clock } from '../clock.js';
import { Holds } from '../holds/holds.js';
import { QueueBackend } from '../queues/queue-backend.js';
import { MAIN_QUEUE, RETRY_QUEUE } from '../queues/queue-names.js';
import type { DeliveryOptions } from '../service-callbacks.options.js';
import { DELIVERY_OPTIONS } from '../tokens.js';
import { RECHECK_AFTER_MS } from '../queues/batch-job.js';
import { Batches, queuedJob, type MadeBatches } from '../queues/batches.js';
import { Commits } from './commits.js';
import { LowWaterMarks } from './low-water-marks.js';
import { QueueDepth } from './queue-depth.js';

/** The shortest time between two rounds, ms: batches grow with the load. */
const BETWEEN_ROUNDS_MS = 5;
/**
 * The time until the next round while there is work, ms, even if more is enqueued meanwhile: a few large jobs cost the
 * stores less than many small ones. A lone callback does not wait, nor one that is enqueued while the queue is full.
 */
const BUSY_MS = 20;
/** The time until the next look while nothing happens, ms; random, so that processes do not look together. */
const IDLE_MS = { min: 350, max: 500 } as const;
/** The delays after an enqueue or a take if nothing is found, ms: the first, doubled up to the last. */
const EAGER_MS = { first: 2, last: 256 } as const;
/** The delay after a store did not respond, ms. */
const RETRY_MS = 500;
/** The share of the retry permits that probes may use. */
const PROBE_SHARE = 1 / 4;
/** The share of the retry permits that bounds the queued callbacks of a released endpoint. */
const RELEASE_SHARE = 3 / 4;
/** The share of the retry queue's room that released callbacks have in any case. */
const RELEASE_LEAST = 1 / 8;
/**
 * The share of the permits that bounds a batch, and the least bound. A worker fetches a job as soon as one permit is
 * free: a large batch would delay the next job.
 */
const BATCH_SHARE = { ofPermits: 1 / 4, atLeast: 8 } as const;
/** The most callbacks of a take, of each kind. */
const MAX_TAKE = 1_024;
/** Priorities of the producer: 1 + ⌊log₂⌋ of a service's recent volume. */
const PRIORITIES = Array.from({ length: 24 }, (_, index) => index + 1);
/** The key of the mark of due callbacks, which is a time. */
const DUE = 0;

/**
 * Moves pending and due callbacks into the queues. First they are marked `queued` in the record; after the commit, the
 * job is added. If the process ends in between, the sweep adds the job. Every process runs a relay, and one relay takes
 * at a time.
 */
@Injectable()
export class Relay implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('ServiceCallbacks');
  private readonly stopping = new AbortController();
  private readonly pendingMarks = new LowWaterMarks(PRIORITIES);
  private readonly dueMarks = new LowWaterMarks([DUE]);
  private readonly batchSize: number;
  private readonly retryBatchSize: number;
  private readonly main: QueueDepth;
  private readonly retry: QueueDepth;
  private running: Promise<void> | undefined;
  private wakeUp = Promise.withResolvers<void>();
  private eagerMs: number = EAGER_MS.last;
  private isUnavailable = false;
  private readonly commits = new Commits(() => this.wake());

  constructor(
    private readonly callbacks: CallbackRepository,
    private readonly batches: Batches,
    private readonly backend: QueueBackend,
    private readonly holds: Holds,
    private readonly recorder: CallbackRecorder,
    private readonly clock: Clock,
    @Inject(DELIVERY_OPTIONS) private readonly options: DeliveryOptions,
  ) {
    const now = (): number => clock.monotonic();
    const share = (permits: number): number =>
      Math.min(options.batchSize, Math.max(BATCH_SHARE.atLeast, Math.ceil(permits * BATCH_SHARE.ofPermits)));
    this.batchSize = share(options.concurrency);
    this.retryBatchSize = share(options.retryConcurrency);
    this.main = new QueueDepth(backend, MAIN_QUEUE, this.batchSize, now);
    this.retry = new QueueDepth(backend, RETRY_QUEUE, this.retryBatchSize, now);
  }

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  /** Stops before the workers do: otherwise it would take again what they return unsent. */
  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    this.commits.stop();
    this.wakeUp.resolve();
    await this.running;
  }

  /**
   * Called when this process has enqueued something.
   * @param transaction it commits with this transaction
   */
  nudge(transaction?: QueryRunner): void {
    if (transaction?.isTransactionActive) this.commits.await(transaction);
    else this.wake();
  }

  private wake(): void {
    this.eagerMs = EAGER_MS.first;
    this.wakeUp.resolve();
  }

  private async run(): Promise<void> {
    let wasBusy = false;
    while (!this.stopping.signal.aborted) {
      this.wakeUp = Promise.withResolvers();
      const startedAt = this.clock.monotonic();
      const taken = await this.tryRound();
      const spent = this.clock.monotonic() - startedAt;
      const isBusy = (taken ?? 0) > 0 && !this.isIdle;
      const gathers = isBusy && wasBusy && this.main.room > 0;
      wasBusy = isBusy;
      await this.pause(Math.max(0, (gathers ? BUSY_MS : BETWEEN_ROUNDS_MS) - spent));
      // An enqueue does not shorten the wait for a store that does not respond.
      if (taken === undefined) await this.pause(RETRY_MS);
      else if (!gathers) await this.untilWoken(this.delayAfter(taken));
    }
  }

  /** @returns how many were taken; undefined if a store does not respond */
  private async tryRound(): Promise<number | undefined> {
    try {
      const taken = await this.round();
      if (this.isUnavailable)
        this.logger.log({ event: 'store.available', msg: 'The relay takes callbacks again' });
      this.isUnavailable = false;
      return taken;
    } catch (error) {
      // Logged once an outage.
      if (!this.isUnavailable)
        this.logger.error({
          event: 'store.unavailable',
          err: describeError(error),
          msg: 'Callbacks wait in the record: a store does not respond',
        });
      this.isUnavailable = true;
      return undefined;
    }
  }

  /**
   * Takes pending and due callbacks, once, and adds their jobs.
   * @returns how many callbacks were taken
   */
  async round(): Promise<number> {
    // Marks nothing while the queue is known to be unavailable.
    if (this.isUnavailable) await this.backend.ping();
    else this.backend.assertUsable();
    const [quiet, due] = [this.main.roomForFirst, this.retry.room];
    const taken = quiet === 0 && due === 0 ? 0 : await this.take(this.main.room, quiet, due);
    await Promise.all([this.main.update(), this.retry.update()]);
    return taken;
  }

  private async take(pending: number, quiet: number, due: number): Promise<number> {
    const startedAt = this.clock.monotonic();
    const pendingRead = this.pendingMarks.begin(startedAt);
    const dueRead = this.dueMarks.begin(startedAt);
    const from = { after: pendingRead.from, dueSince: dueRead.from.get(DUE) ?? 0 };
    const { isIdle } = this;
    const limits = {
      pending: Math.min(pending, MAX_TAKE),
      quiet: Math.min(quiet, MAX_TAKE),
      due: Math.min(due, MAX_TAKE),
      batchSize: this.batchSize,
      retryBatchSize: this.retryBatchSize,
      from,
    };
    const isFound = isIdle && (await this.callbacks.isAnyDue(from));
    const taken = isIdle && !isFound ? [] : await this.callbacks.take(limits);
    const now = this.clock.monotonic();
    // Otherwise another process was taking what was found.
    if (!isFound || taken.length > 0) {
      const positions = taken.map(({ priority, seq, next_attempt_at: dueAt }) =>
        dueAt === null ? { key: priority, position: seq } : { key: DUE, position: dueAt },
      );
      const of = Map.groupBy(positions, ({ key }) => (key === DUE ? 'due' : 'pending'));
      // Callbacks of quiet services have a limit of their own.
      pendingRead.end(of.get('pending') ?? [], Math.min(limits.pending, limits.quiet), now);
      dueRead.end(of.get('due') ?? [], limits.due, now);
    }
    if (taken.length > 0) await this.pass(taken, startedAt);
    const held = await this.takeHeld(due);
    // An idle relay leaves the next ones to the process that enqueued these: two relays would halve the batches.
    const few = Math.min(this.batchSize, limits.pending, limits.quiet) / 2;
    const areOthers = isIdle && taken.length < few && taken.every((row) => row.is_first);
    if (held > 0 || (taken.length > 0 && !areOthers)) this.eagerMs = BUSY_MS;
    return taken.length + held;
  }

  /**
   * Runs no statement unless a hold is due for a probe or its end, or is being released. Released callbacks get the
   * room that due callbacks leave, at least an eighth: retries of others go first, and do not stop a release.
   * @param room of the retry queue before due callbacks were taken
   */
  private async takeHeld(room: number): Promise<number> {
    if (!this.holds.isAnyDue || room === 0) return 0;
    const { retryConcurrency } = this.options;
    await this.holds.releaseDue();
    const startedAt = this.clock.monotonic();
    const taken = await this.callbacks.takeHeld({
      batchSize: this.retryBatchSize,
      probes: Math.max(1, Math.floor(retryConcurrency * PROBE_SHARE)),
      maxWindow: Math.max(1, Math.floor(retryConcurrency * RELEASE_SHARE)),
      released: Math.min(MAX_TAKE, Math.max(this.retry.room, Math.ceil(room * RELEASE_LEAST))),
    });
    if (taken.length > 0) await this.pass(taken, startedAt);
    return taken.length;
  }

  /** @param startedAt of the take, monotonic ms */
  private async pass(taken: readonly TakenNow[], startedAt: number): Promise<void> {
    const queued = taken.filter(({ state }) => state === 'queued');
    for (const row of taken) {
      if (row.state === 'given_up') this.recorder.gaveUpRow(row, row.reason ?? 'cancelled');
      if (row.state === 'held')
        this.recorder.deferredByRelay(row, row.hold_reason ?? 'circuit_open', row.next_probe_at ?? 0);
    }
    const forMain = queued.filter((row) => row.is_first);
    const forRetry = queued.filter((row) => !row.is_first);
    // If it is late, this process was stopped meanwhile: the sweep may have added these batches already.
    const isLate = this.clock.monotonic() - startedAt > RECHECK_AFTER_MS;
    await Promise.all([
      this.add(MAIN_QUEUE, this.main, forMain, isLate),
      this.add(RETRY_QUEUE, this.retry, forRetry, isLate),
    ]);
  }

  private async add(
    queue: string,
    depth: QueueDepth,
    rows: readonly TakenNow[],
    isLate: boolean,
  ): Promise<void> {
    if (rows.length === 0) return;
    const { jobs, unreadable } = this.batches.make(rows, isLate);
    const queued = jobs.map((job) => queuedJob(queue, job));
    depth.add(queued);
    if (unreadable.length > 0) await this.settleUnreadable(unreadable);
    // If an add fails, or its response is lost, its batch stays marked, and the sweep finds it.
    const added = await Promise.allSettled(queued.map((job) => this.backend.add(job)));
    const failed = added.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private async settleUnreadable(unreadable: MadeBatches['unreadable']): Promise<void> {
    await this.callbacks.settle(unreadable.map(({ settlement }) => settlement));
    for (const { row, error, settlement } of unreadable) {
      const { disposition } = settlement;
      if (disposition.kind === 'giveUp')
        this.recorder.gaveUpRow(row, disposition.reason, { detail: disposition.detail, error });
      if (disposition.kind !== 'retryAt') continue;
      this.recorder.postponed(
        {
          id: row.id,
          serviceId: row.service_id,
          endpointId: row.endpoint_id,
          callbackType: row.callback_type,
        },
        error,
      );
      this.recorder.deferredByRelay(
        row,
        disposition.deferral ?? 'platform_fault',
        Date.now() + disposition.delayMs,
      );
    }
  }

  /** It has not enqueued anything for a while, and has found nothing but a few callbacks of other processes. */
  private get isIdle(): boolean {
    return this.eagerMs >= EAGER_MS.last;
  }

  private delayAfter(taken: number): number {
    const { min, max } = IDLE_MS;
    if (this.isIdle) return min + Math.random() * (max - min);
    if (taken === 0) this.eagerMs *= 2;
    return this.eagerMs;
  }

  private async untilWoken(ms: number): Promise<void> {
    const timer = setTimeout(() => this.wakeUp.resolve(), ms);
    await this.wakeUp.promise;
    clearTimeout(timer);
  }

  private async pause(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }
}
