import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Clock } from '../clock.js';
import { EndpointGate } from '../isolation/endpoint-gate.js';
import { PeriodicWork } from '../periodically.js';
import { Figures } from '../figures/figures.js';
import { ProcessesRepository } from './processes.repository.js';

/** How often a process reports itself, ms. */
const HEARTBEAT_MS = 5_000;

/** Reports what only this process knows: attempts in flight, and events that its figures had to drop. */
@Injectable()
export class ProcessHeartbeat extends PeriodicWork implements OnApplicationBootstrap {
  private readonly id = randomUUID();

  constructor(
    private readonly processes: ProcessesRepository,
    private readonly gate: EndpointGate,
    private readonly figures: Figures,
    private readonly clock: Clock,
  ) {
    super();
  }

  onApplicationBootstrap(): void {
    const failure = { event: 'process.not_reported', msg: 'This process could not report itself' };
    this.every(HEARTBEAT_MS, () => this.report(), failure, 'debug');
  }

  override async beforeApplicationShutdown(): Promise<void> {
    await super.beforeApplicationShutdown();
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
