import { InjectQueue } from '@nestjs/bullmq';
import { Inject, Injectable, Optional, type OnModuleInit } from '@nestjs/common';
import { Queue } from 'bullmq';
import { Gauge } from 'prom-client';
import type { DataSource } from 'typeorm';
import { MAIN_QUEUE, RETRY_QUEUE } from '../../queues/queue-names.js';
import { QueueBackend, type PoolCounts } from '../../queues/queue-backend.js';
import { Clock } from '../clock.js';
import { EndpointStateRepository } from '../endpoint-health/endpoint-state.repository.js';
import { EndpointGate } from '../isolation/endpoint-gate.js';
import { OutboxRepository } from '../outbox/outbox.repository.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { CallbackMetrics } from './callback-metrics.js';
import { oldestDueAt } from './oldest-due.js';

/** A scrape that cannot be answered in time leaves the gauge out, ms. */
const COLLECT_TIMEOUT_MS = 2_000;

const JOB_STATES = ['waiting', 'prioritized', 'active', 'delayed', 'failed', 'completed'] as const;

/** What there is at this moment, read when it is asked for. */
@Injectable()
export class StateMetrics implements OnModuleInit {
  constructor(
    private readonly metrics: CallbackMetrics,
    private readonly backend: QueueBackend,
    private readonly outbox: OutboxRepository,
    private readonly clock: Clock,
    private readonly endpointStates: EndpointStateRepository,
    @InjectQueue(MAIN_QUEUE) private readonly main: Queue,
    @InjectQueue(RETRY_QUEUE) private readonly retry: Queue,
    @Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource,
    @Optional() private readonly gate?: EndpointGate,
  ) {}

  onModuleInit(): void {
    const queues = [this.main, this.retry];
    this.gauge('service_callback_queue_jobs', 'Jobs in the queues', ['queue', 'state'], async (gauge) => {
      for (const queue of queues) {
        const counts = await queue.getJobCounts(...JOB_STATES);
        for (const state of JOB_STATES) gauge.set({ queue: queue.name, state }, counts[state] ?? 0);
      }
    });
    this.gauge(
      'service_callback_oldest_due_seconds',
      'How long the oldest due job has waited',
      ['queue'],
      async (gauge) => {
        for (const queue of queues) {
          const dueAt = await oldestDueAt(queue);
          const waited = dueAt === undefined ? 0 : Math.max(0, this.clock.now() - dueAt) / 1_000;
          gauge.set({ queue: queue.name }, waited);
        }
      },
    );
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
    this.gauge('service_callback_disabled_endpoints', 'Endpoints that are disabled', [], async (gauge) => {
      gauge.set((await this.endpointStates.disabledIds()).length);
    });
    if (this.backend.kind === 'redis') this.outboxGauges();
    if (this.gate) this.gateGauges(this.gate);
  }

  private outboxGauges(): void {
    this.gauge('service_callback_outbox_jobs', 'Jobs on their way to Redis', [], async (gauge) => {
      gauge.set((await this.outbox.backlog()).jobs);
    });
    this.gauge(
      'service_callback_outbox_oldest_seconds',
      'Age of the oldest job in the outbox',
      [],
      async (gauge) => {
        gauge.set((await this.outbox.backlog()).oldestAgeMs / 1_000);
      },
    );
  }

  private gateGauges(gate: EndpointGate): void {
    this.gauge(
      'service_callback_in_flight',
      'Attempts in flight, waiting ones included',
      ['lane'],
      async (gauge) => {
        for (const lane of ['first', 'retry'] as const) gauge.set({ lane }, gate.inUse(lane));
      },
    );
    this.gauge(
      'service_callback_circuits',
      'Circuits of the endpoints this process knows',
      ['state'],
      async (gauge) => {
        for (const [state, count] of Object.entries(gate.circuits())) gauge.set({ state }, count);
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
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames,
      registers: [this.metrics.registry],
      collect: async () => {
        gauge.reset();
        // A store that is away must not take the other metrics with it.
        await Promise.race([read(gauge), afterTimeout()]).catch(() => gauge.reset());
      },
    });
  }
}

function afterTimeout(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, COLLECT_TIMEOUT_MS).unref();
  });
}
