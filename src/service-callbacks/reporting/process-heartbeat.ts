import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { describeError } from '../../observability/describe-error.js';
import { Clock } from '../clock.js';
import { EndpointGate } from '../isolation/endpoint-gate.js';
import { periodically } from '../periodically.js';
import { Figures } from '../figures/figures.js';
import { ProcessesRepository } from './processes.repository.js';

/** How often a process reports itself, ms. */
const HEARTBEAT_MS = 5_000;

/** Reports what only this process knows: attempts in flight, and events that its figures had to drop. */
@Injectable()
export class ProcessHeartbeat implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('ServiceCallbacks');
  private readonly id = randomUUID();
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(
    private readonly processes: ProcessesRepository,
    private readonly gate: EndpointGate,
    private readonly figures: Figures,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    const onError = (error: unknown) =>
      this.logger.debug({ event: 'process.not_reported', err: describeError(error) });
    this.running = periodically({ everyMs: HEARTBEAT_MS, signal: this.stopping.signal, onError }, () =>
      this.report(),
    );
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
    // If the database does not respond, its row expires.
    await this.processes.forget(this.id).catch(() => undefined);
  }

  private report(): Promise<void> {
    const inFlight = this.gate.inUse('first') + this.gate.inUse('retry');
    const label = `${hostname()}/${process.pid}`;
    return this.processes.report(
      { id: this.id, label, inFlight, dropped: this.figures.dropped },
      this.clock.now(),
    );
  }
}
