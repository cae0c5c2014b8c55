import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { describeError } from '../../observability/describe-error.js';
import { Clock } from '../clock.js';
import { CallbackHandlers } from '../events/callback-handlers.js';
import { EndpointGate } from '../isolation/endpoint-gate.js';
import { isQueueOutage } from '../queues/errors.js';
import { FetchLoop } from '../queues/fetch-loop.js';
import { QueueBackend } from '../queues/queue-backend.js';
import { MAIN_QUEUE, RETRY_QUEUE } from '../queues/queue-names.js';
import type { DeliveryOptions } from '../service-callbacks.options.js';
import { DELIVERY_OPTIONS } from '../tokens.js';
import { ClockGuard, whyNoJobs, type ClockState } from './clock-guard.js';
import { DeliveryProcessor } from './delivery-processor.js';
import { Settler } from './settler.js';

/**
 * Starts and stops the fetch loops of the two queues. They take jobs only while this process's clock agrees with the
 * queue's.
 */
@Injectable()
export class Workers implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('ServiceCallbacks');
  private readonly guard: ClockGuard;
  private loops: readonly FetchLoop[] = [];
  private stopping = false;

  constructor(
    private readonly backend: QueueBackend,
    private readonly processor: DeliveryProcessor,
    private readonly gate: EndpointGate,
    private readonly settler: Settler,
    private readonly handlers: CallbackHandlers,
    clock: Clock,
    @Inject(DELIVERY_OPTIONS) private readonly options: DeliveryOptions,
  ) {
    this.guard = new ClockGuard(backend, clock, (state) => this.follow(state));
  }

  /** @throws with the reason why no jobs are taken */
  async assertRunning(): Promise<void> {
    if (this.loops.length === 0) throw new Error('not started');
    const state = this.guard.current;
    if (state.kind !== 'trusted') throw new Error(whyNoJobs(state));
    const idle = this.loops.filter((loop) => !loop.isFetching);
    if (idle.length > 0) throw new Error(`not running: ${idle.map((loop) => loop.name).join(', ')}`);
  }

  async onApplicationBootstrap(): Promise<void> {
    const { concurrency, retryConcurrency } = this.options;
    this.loops = [await this.loop(MAIN_QUEUE, concurrency), await this.loop(RETRY_QUEUE, retryConcurrency)];
    for (const loop of this.loops) loop.start();
    await this.guard.start();
  }

  /**
   * Stops fetching. Callbacks that were not sent go back to the record. Attempts in flight are awaited, at most for
   * their deadline.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    this.guard.stop();
    this.settler.prepareStop();
    const stopped = Promise.all(this.loops.map((loop) => loop.stop()));
    this.gate.stop();
    await stopped;
    await this.settler.stop();
    await this.handlers.finish();
  }

  private follow(state: ClockState): void {
    if (this.stopping) return;
    if (state.kind === 'skewed') {
      const why = whyNoJobs(state);
      this.logger.error({ event: 'worker.clock_skewed', error: why, msg: `No jobs are taken: ${why}` });
    }
    for (const loop of this.loops) {
      const changed = state.kind === 'trusted' ? loop.resume() : loop.pause();
      changed.catch((error: unknown) => this.failed(loop.name, error));
    }
  }

  private async loop(queue: string, permits: number): Promise<FetchLoop> {
    const worker = await this.backend.createWorker(queue);
    const onError = (error: unknown): void => this.failed(queue, error);
    worker.on('error', onError);
    const { lockDurationMs } = this.backend.timing;
    return new FetchLoop(worker, this.processor, { permits, lockDurationMs, onError });
  }

  /** The backend logs an outage, once. */
  private failed(queue: string, error: unknown): void {
    if (isQueueOutage(error)) return;
    this.logger.error({
      event: 'queue.error',
      queue,
      err: describeError(error),
      msg: 'The queue responded with an error',
    });
  }
}
