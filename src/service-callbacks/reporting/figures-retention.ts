import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { describeError } from '../../observability/describe-error.js';
import { Clock } from '../clock.js';
import { DAY_MS, HOUR_MS } from '../figures/outcomes.js';
import { periodically } from '../periodically.js';
import type { DeliveryLogOptions } from '../service-callbacks.options.js';
import { DELIVERY_LOG_OPTIONS } from '../tokens.js';
import { FiguresRepository } from './figures.repository.js';

/** How often, ms. */
const EVERY_MS = 600_000;
/** How long figures by the minute are kept, ms. Figures by the hour are kept as long as the records. */
const MINUTES_KEPT_MS = 25 * HOUR_MS;

/** Removes figures that are older than their retention. */
@Injectable()
export class FiguresRetention implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('ServiceCallbacks');
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(
    private readonly figures: FiguresRepository,
    private readonly clock: Clock,
    @Inject(DELIVERY_LOG_OPTIONS) private readonly options: DeliveryLogOptions,
  ) {}

  onApplicationBootstrap(): void {
    const onError = (error: unknown): void =>
      this.logger.error({
        event: 'maintenance.failed',
        task: 'figures',
        err: describeError(error),
        msg: 'Old figures could not be removed; tried again',
      });
    this.running = periodically({ everyMs: EVERY_MS, signal: this.stopping.signal, onError }, () =>
      this.prune(),
    );
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private prune(): Promise<void> {
    const now = this.clock.now();
    return this.figures.prune(
      new Date(now - MINUTES_KEPT_MS),
      new Date(now - this.options.retentionDays * DAY_MS),
    );
  }
}
