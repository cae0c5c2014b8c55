import { setTimeout as sleep } from 'node:timers/promises';
import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { describeError } from '../../observability/describe-error.js';
import { FigureWriter } from './figure-writer.js';
import { Figures, type FigureBatch } from './figures.js';

/** How often figures are written, ms. */
const FLUSH_MS = 1_000;
/** The delay after the database did not respond, ms. */
const RETRY_MS = 1_000;
/** How long a stop waits for the last figures to be written, ms. */
const LAST_FLUSH_MS = 3_000;

/** Writes the figures in batches, off the path of deliveries. */
@Injectable()
export class FigureFlusher implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('ServiceCallbacks');
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private isUnavailable = false;

  constructor(
    private readonly figures: Figures,
    private readonly writer: FigureWriter,
  ) {}

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  /**
   * Writes what the database takes in time. Nest first calls the hooks of providers with more dependencies: those that
   * record figures. The database is closed in a later hook.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    const inTime = new AbortController();
    const timeout = sleep(LAST_FLUSH_MS, undefined, { signal: inTime.signal }).catch(() => undefined);
    await Promise.race([this.running, timeout]);
    inTime.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.write(this.figures.take());
      await sleep(FLUSH_MS, undefined, { signal }).catch(() => undefined);
    }
    // What was recorded during the last write.
    await this.write(this.figures.take());
  }

  /** Repeats until the database has them. Meanwhile further sums are collected in memory. */
  private async write(batch: FigureBatch): Promise<void> {
    for (;;) {
      const outcome = await this.writer.write(batch);
      if (outcome.kind === 'written') {
        this.isUnavailable = false;
        return;
      }
      if (outcome.kind === 'refused' || this.stopping.signal.aborted) return this.drop(batch, outcome.error);
      this.noteUnavailable(outcome.error);
      await sleep(RETRY_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  private drop({ minutes, hours, health }: FigureBatch, error: unknown): void {
    this.figures.drop(minutes.length + hours.length + health.length);
    this.logger.error({
      event: 'figures.dropped',
      err: describeError(error),
      msg: 'The database rejects these figures',
    });
  }

  /** Logged once an outage. */
  private noteUnavailable(error: unknown): void {
    if (!this.isUnavailable)
      this.logger.warn({
        event: 'figures.waiting',
        err: describeError(error),
        msg: 'The figures wait for the database; deliveries do not',
      });
    this.isUnavailable = true;
  }
}
