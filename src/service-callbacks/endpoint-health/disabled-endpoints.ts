import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { describeError } from '../../observability/describe-error.js';
import { periodically } from '../periodically.js';
import { EndpointStateRepository } from './endpoint-state.repository.js';

/** How late a process learns of a switch that another one made, ms. */
const REFRESH_MS = 1_000;

/**
 * Which endpoints are said to be disabled, in memory: a first attempt asks no database (R9), and while that is
 * away the last answer holds. A hint: it is as old as a second, and whoever finds an endpoint in it looks closer.
 */
@Injectable()
export class DisabledEndpoints implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('ServiceCallbacks');
  private readonly stopping = new AbortController();
  private ids: ReadonlySet<string> = new Set();
  private running: Promise<void> | undefined;
  private isCurrent = true;

  constructor(private readonly states: EndpointStateRepository) {}

  has(callbackApiId: string): boolean {
    return this.ids.has(callbackApiId);
  }

  /** Before the workers take their first jobs. */
  async onModuleInit(): Promise<void> {
    await this.refresh().catch((error: unknown) => this.outdated(error));
  }

  onApplicationBootstrap(): void {
    const { signal } = this.stopping;
    const onError = (error: unknown): void => this.outdated(error);
    this.running = periodically({ everyMs: REFRESH_MS, signal, onError }, () => this.refresh());
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async refresh(): Promise<void> {
    this.ids = new Set(await this.states.disabledIds());
    this.isCurrent = true;
  }

  /** Said once an outage. */
  private outdated(error: unknown): void {
    if (this.isCurrent) {
      this.logger.warn({
        event: 'endpoints.outdated',
        err: describeError(error),
        msg: 'Which endpoints are disabled cannot be read now; what was known before holds',
      });
    }
    this.isCurrent = false;
  }
}
