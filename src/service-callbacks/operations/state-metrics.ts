import { InjectQueue } from '@nestjs/bullmq';
import { Inject, Injectable, Optional, type OnModuleInit } from '@nestjs/common';
import { Queue } from 'bullmq';
import { Gauge } from 'prom-client';
import type { DataSource } from 'typeorm';
import { MAIN_QUEUE, RETRY_QUEUE } from '../queues/queue-names.js';
import { QueueBackend, type PoolCounts } from '../queues/queue-backend.js';
import { EndpointStateRepository } from '../endpoints/endpoint-state.repository.js';
import { EndpointGate } from '../isolation/endpoint-gate.js';
import { HoldRepository } from '../holds/hold.repository.js';
import { CallbackRepository } from '../callbacks/callback.repository.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { ServiceCallbacksHealth } from './service-callbacks-health.js';
import { CallbackMetrics } from '../metrics/callback-metrics.js';

/** A gauge that takes longer to read is missing in the scrape, ms. */
const COLLECT_TIMEOUT_MS = 2_000;

/** No job is delayed, and none is kept once it is completed. */
const JOB_STATES = ['waiting', 'prioritized', 'active'] as const;

/** Gauges that each scrape reads. */
@Injectable()
export class StateMetrics implements OnModuleInit {
  constructor(
    private readonly metrics: CallbackMetrics,
    private readonly backend: QueueBackend,
    private readonly callbacks: CallbackRepository,
    private readonly holds: HoldRepository,
    private readonly readiness: ServiceCallbacksHealth,
    private readonly endpointStates: EndpointStateRepository,
    @InjectQueue(MAIN_QUEUE) private readonly main: Queue,
    @InjectQueue(RETRY_QUEUE) private readonly retry: Queue,
    @Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource,
    @Optional() private readonly gate?: EndpointGate,
  ) {}

  onModuleInit(): void {
    const queues = [this.main, this.retry];
    // First, because the statements of the other gauges also wait for a connection.
    this.gauge(
      'service_callback_database_connections',
      'Connections of the pools',
      ['pool', 'state'],
      async (gauge) => {
        // TypeORM does not show its pool's counts.
        this.setPool(gauge, 'typeorm', (this.dataSource.driver as unknown as { master: PoolCounts }).master);
        if (this.backend.poolCounts) this.setPool(gauge, 'queue', this.backend.poolCounts);
      },
    );
    this.gauge('service_callback_queue_jobs', 'Jobs in the queues', ['queue', 'state'], async (gauge) => {
      for (const queue of queues) {
        const counts = await queue.getJobCounts(...JOB_STATES);
        for (const state of JOB_STATES) gauge.set({ queue: queue.name, state }, counts[state] ?? 0);
      }
    });
    this.gauge(
      'service_callback_oldest_due_seconds',
      'How long the callback has waited that has been due for longest',
      [],
      async (gauge) => gauge.set((await this.callbacks.oldestDueMs()) / 1_000),
    );
    this.gauge('service_callback_disabled_endpoints', 'Endpoints that are disabled', [], async (gauge) => {
      gauge.set((await this.endpointStates.disabledIds()).length);
    });
    this.gauge(
      'service_callback_circuits',
      'Circuits of the endpoints that are on hold, the same in every process',
      ['state'],
      async (gauge) => {
        const circuits = await this.holds.circuits('all');
        for (const state of ['open', 'half_open'] as const)
          gauge.set({ state }, circuits.filter((circuit) => circuit.state === state).length);
      },
    );
    this.gauge(
      'service_callback_ready',
      'Whether a part that this process needs works: 1 or 0',
      ['part'],
      async (gauge) => {
        const parts = this.readiness.parts.map(async ({ name, check }) => {
          gauge.set({ part: name }, 0);
          await check().then(
            () => gauge.set({ part: name }, 1),
            () => undefined,
          );
        });
        await Promise.all(parts);
      },
    );
    if (this.gate) this.gateGauges(this.gate);
  }

  private gateGauges(gate: EndpointGate): void {
    this.gauge(
      'service_callback_in_flight',
      'Attempts in flight, waiting ones included',
      ['pool'],
      async (gauge) => {
        for (const pool of ['first', 'retry'] as const) gauge.set({ pool }, gate.inUse(pool));
      },
    );
  }

  private setPool(gauge: Gauge, pool: string, { totalCount, idleCount, waitingCount }: PoolCounts): void {
    gauge.set({ pool, state: 'in_use' }, totalCount - idleCount);
    gauge.set({ pool, state: 'idle' }, idleCount);
    gauge.set({ pool, state: 'waiting' }, waitingCount);
  }

  private gauge(
    name: string,
    help: string,
    labelNames: string[],
    read: (gauge: Gauge) => Promise<void>,
  ): void {
    // `reset()` leaves a 0 for a gauge without labels.
    const clear = () => (labelNames.length > 0 ? gauge.reset() : gauge.remove());
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames,
      registers: [this.metrics.registry],
      collect: async () => {
        clear();
        // If a store does not respond, its gauges are missing. They are never 0, and the others stay.
        await Promise.race([read(gauge), afterTimeout()]).catch(clear);
      },
    });
  }
}

function afterTimeout(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, COLLECT_TIMEOUT_MS).unref();
  });
}
