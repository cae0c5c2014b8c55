import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Clock } from '../clock.js';
import { messageOf } from '../message-of.js';
import { periodically } from '../periodically.js';
import type { DeliveryLogOptions } from '../service-callbacks.options.js';
import { DELIVERY_LOG_OPTIONS } from '../tokens.js';
import { FiguresRepository } from './figures.repository.js';
import { DAY_MS, HOUR_MS } from './outcomes.js';
import { PartitionsRepository } from './partitions.repository.js';
import { failureOf, type WriteFailure } from './write-failure.js';

/** How often it is looked after, ms. */
const EVERY_MS = 600_000;
/** Days that have their partition before they begin. */
const DAYS_AHEAD = 2;
/** How long figures by the minute are kept, ms. */
const MINUTES_KEPT_MS = 25 * HOUR_MS;

/** Retention of the log: makes the partitions of the days to come and drops those of the days that are over. */
@Injectable()
export class PartitionKeeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('ServiceCallbacks');
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(
    private readonly partitions: PartitionsRepository,
    private readonly figures: FiguresRepository,
    private readonly clock: Clock,
    @Inject(DELIVERY_LOG_OPTIONS) private readonly options: DeliveryLogOptions,
  ) {}

  onApplicationBootstrap(): void {
    const onError = (error: unknown) =>
      this.logger.error({
        event: 'delivery_log.not_kept',
        error: messageOf(error),
        msg: 'The days of the delivery log could not be looked after; tried again in ten minutes',
      });
    this.running = periodically({ everyMs: EVERY_MS, signal: this.stopping.signal, onError }, () =>
      this.tidy(),
    );
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** Whether the log keeps what was queued then (Unix ms): neither past its days nor further ahead than there are any. */
  covers(queuedAt: number): boolean {
    return queuedAt >= this.firstDay() && queuedAt < this.today() + (DAYS_AHEAD + 1) * DAY_MS;
  }

  /** Makes what is missing for rows queued at these times (Unix ms). */
  async ensureFor(times: readonly number[]): Promise<{ readonly kind: 'made' } | WriteFailure> {
    try {
      await this.partitions.ensure([...new Set(times.map((time) => startOfDay(time)))]);
      return { kind: 'made' };
    } catch (error) {
      return failureOf(error);
    }
  }

  /** One round. Any number of processes may do it at once. */
  async tidy(): Promise<void> {
    const today = this.today();
    if (this.options.keep !== 'off') {
      await this.partitions.ensure(
        Array.from({ length: DAYS_AHEAD + 1 }, (_, index) => today + index * DAY_MS),
      );
    }
    const dropped = await this.partitions.dropBefore(this.firstDay());
    for (const day of dropped) {
      const date = new Date(day).toISOString().slice(0, 10);
      this.logger.log({ event: 'delivery_log.expired', date, msg: `The delivery log of ${date} is dropped` });
    }
    await this.figures.prune(new Date(this.clock.now() - MINUTES_KEPT_MS), new Date(this.firstDay()));
  }

  private today(): number {
    return startOfDay(this.clock.now());
  }

  /** The day that is the oldest kept: today is one of them. */
  private firstDay(): number {
    return this.today() - (this.options.retentionDays - 1) * DAY_MS;
  }
}

function startOfDay(time: number): number {
  return Math.floor(time / DAY_MS) * DAY_MS;
}
