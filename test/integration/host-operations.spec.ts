import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { InjectQueue } from '@nestjs/bullmq';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { Queue } from 'bullmq';
import { Counter, Registry } from 'prom-client';
import {
  CALLBACK_QUEUES,
  CallbackMetrics,
  serviceCallbackEntities,
  ServiceCallbacksHealth,
  ServiceCallbacksModule,
} from 'service-callbacks';
import { Clock } from '../../src/service-callbacks/clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly callbacks: ServiceCallbacksHealth,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.callbacks.check()]);
  }
}

/** The host's own metrics, and the module's among them. */
@Controller('metrics')
class MetricsController {
  private readonly own = new Registry();

  constructor(private readonly callbacks: CallbackMetrics) {
    new Counter({ name: 'orders_total', help: 'Orders', registers: [this.own] }).inc(3);
  }

  @Get()
  metrics(): Promise<string> {
    return Registry.merge([this.own, this.callbacks.registry]).metrics();
  }
}

@Injectable()
class Board {
  readonly queues: readonly Queue[];

  constructor(
    @InjectQueue(CALLBACK_QUEUES.main) main: Queue,
    @InjectQueue(CALLBACK_QUEUES.retry) retry: Queue,
  ) {
    this.queues = [main, retry];
  }
}

describe('what a host operates the module with', () => {
  let database: TestDatabase;
  let app: Awaited<ReturnType<typeof NestFactory.create>>;
  let url: string;

  const callbacks = () => [
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: database.url,
      entities: [...serviceCallbackEntities],
      retryAttempts: 0,
    }),
    ServiceCallbacksModule.forRoot({
      queue: { backend: 'postgres' },
      encryptionKeys: [`host:${Buffer.alloc(32, 3).toString('base64')}`],
      isGlobal: true,
    }),
  ];

  beforeAll(async () => {
    database = await createTestDatabase();

    @Module({
      imports: [TerminusModule.forRoot({ logger: false }), ...callbacks()],
      controllers: [HealthController, MetricsController],
      providers: [Board],
    })
    class Host {}

    app = await NestFactory.create(Host, { logger: false, abortOnError: false });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });

  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  it('is a health indicator for Terminus, with the state of each part', async () => {
    const response = await fetch(`${url}/health`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      status: 'ok',
      details: { 'service-callbacks': { status: 'up', database: 'up', queue: 'up', worker: 'up' } },
    });
  });

  it("is a registry of metrics that the host's own merges with", async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain('orders_total 3');
    expect(text).toContain(
      'service_callback_outcomes_total{callback_type="delivery_status",outcome="delivered"} 0',
    );
    expect(text).toContain('service_callback_ready');
  });

  it('is two queues for a Bull Board', async () => {
    const { queues } = app.get(Board);
    let shown: string[] = [];
    const serverAdapter = {
      setQueues: (adapters: ReadonlyMap<string, unknown>) => {
        shown = [...adapters.keys()];
        return serverAdapter;
      },
      setViewsPath: () => serverAdapter,
      setStaticPath: () => serverAdapter,
      setEntryRoute: () => serverAdapter,
      setErrorHandler: () => serverAdapter,
      setApiRoutes: () => serverAdapter,
      setUIConfig: () => serverAdapter,
    };
    const adapters = queues.map((queue) => new BullMQAdapter(queue as never, { readOnlyMode: true }));
    createBullBoard({ queues: adapters, serverAdapter });
    expect(shown).toEqual(['service-callbacks', 'service-callbacks-retry']);
    expect(await Promise.all(adapters.map((adapter) => adapter.getJobCounts()))).toEqual([
      expect.objectContaining({ waiting: 0, active: 0 }),
      expect.objectContaining({ waiting: 0, active: 0 }),
    ]);
  });

  it('exports no internals', async () => {
    @Injectable()
    class Curious {
      constructor(readonly clock: Clock) {}
    }

    @Module({ imports: callbacks(), providers: [Curious] })
    class Host {}

    const started = NestFactory.createApplicationContext(Host, { logger: false, abortOnError: false });
    await expect(started).rejects.toThrow(/resolve dependencies of the Curious/);
  });
});
