import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Clock } from '../clock.js';
import { EndpointGate } from '../isolation/endpoint-gate.js';
import { periodically } from '../periodically.js';
import { DeliveryJournal } from './delivery-journal.js';
import { ProcessesRepository } from './processes.repository.js';

/** How often a process tells of itself, ms. */
const BEAT_MS = 5_000;
/** Circuits that are told at most: the overview lists no more. */
const MAX_CIRCUITS = 200;

/** Tells the others what only this process knows: attempts in flight, circuits, what the log had to drop. */
@Injectable()
export class ProcessBeat implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('ServiceCallbacks');
  private readonly id = randomUUID();
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(
    private readonly processes: ProcessesRepository,
    private readonly gate: EndpointGate,
    private readonly journal: DeliveryJournal,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    const onError = (error: unknown) =>
      this.logger.debug({ event: 'process.not_told', error: String(error) });
    this.running = periodically({ everyMs: BEAT_MS, signal: this.stopping.signal, onError }, () =>
      this.tell(),
    );
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
    // Where the database is away it is forgotten by itself.
    await this.processes.forget(this.id).catch(() => undefined);
  }

  private tell(): Promise<void> {
    const circuits = this.gate.openCircuits(MAX_CIRCUITS).map(({ callbackApiId, state, until }) => ({
      callback_api_id: callbackApiId,
      state,
      until,
    }));
    const inFlight = this.gate.inUse('first') + this.gate.inUse('retry');
    const label = `${hostname()}/${process.pid}`;
    return this.processes.tell(
      { id: this.id, label, inFlight, circuits, dropped: this.journal.dropped },
      this.clock.now(),
    );
  }
}
