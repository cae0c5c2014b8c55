import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { HttpModule, HttpService } from '@nestjs/axios';
import { BullModule, BullRegistrar, InjectQueue, Processor, WorkerHost } from '@nestjs/bullmq';
import { Injectable, Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getDataSourceToken, InjectDataSource, TypeOrmModule } from '@nestjs/typeorm';
import axios, { AxiosHeaders } from 'axios';
import { createRedisBackend, FlowProducer, getDefaultBackendFactory, Queue, Worker, type Job } from 'bullmq';
import { Redis } from 'ioredis';
import {
  CallbackApisService,
  serviceCallbackEntities,
  ServiceCallbacksModule,
  ServiceCallbacksProducer,
  type ServiceCallbacksExtras,
  type ServiceCallbacksOptions,
} from 'service-callbacks';
import { CallbackLogReader } from 'service-callbacks/reporting';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';
import { aNotification } from '../support/builders/a-notification.js';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startRedisServer, type RedisServer } from '../support/redis-server.js';
import { query } from '../support/sql.js';

@Entity('invoices')
class Invoice {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('integer')
  pence!: number;
}

/** The host's own work, on its own queue. */
@Processor('invoices')
class InvoiceProcessor extends WorkerHost {
  readonly processed: string[] = [];
  readonly events = new EventEmitter();

  async process(job: Job): Promise<void> {
    this.processed.push(job.name);
    this.events.emit('processed');
  }

  /** The next job. */
  next(): Promise<unknown> {
    return once(this.events, 'processed');
  }
}

/** What a host injects: its own things and the module's, side by side. */
@Injectable()
class Billing {
  constructor(
    @InjectQueue('invoices') readonly invoices: Queue,
    @InjectQueue('service-callbacks') readonly callbacks: Queue,
    @InjectDataSource() readonly dataSource: DataSource,
    readonly http: HttpService,
    readonly producer: ServiceCallbacksProducer,
    readonly callbackApis: CallbackApisService,
    readonly processor: InvoiceProcessor,
  ) {}
}

@Injectable()
class Settings {
  readonly encryptionKeys = [`host:${Buffer.alloc(32, 1).toString('base64')}`];
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

@Module({})
class Host {}

/** The module uses the host's database, or another one. */
interface HostOptions {
  readonly callbacks: DynamicModule;
  readonly dataSources: readonly DynamicModule[];
  readonly manualRegistration?: boolean;
}

const TOKEN = 'a-token-of-the-service';
const hasRedisServer = spawnSync('redis-server', ['--version']).status === 0;
const describeWithRedis = hasRedisServer ? describe : describe.skip;

describeWithRedis('in a host with a BullMQ queue on Redis and a database of its own', () => {
  const running: INestApplicationContext[] = [];
  let redis: RedisServer;
  let inspector: Redis;
  let database: TestDatabase;
  let receiver: Receiver;

  beforeAll(async () => {
    redis = await startRedisServer();
    inspector = new Redis(redis.url);
    receiver = await startReceiver();
  });

  beforeEach(async () => {
    await inspector.flushall();
    database = await createTestDatabase();
    await query(database.url, 'CREATE TABLE invoices (id uuid PRIMARY KEY, pence integer NOT NULL)');
  });

  afterEach(async () => {
    await Promise.all(running.splice(0).map((app) => app.close()));
    await database.drop();
  });

  afterAll(async () => {
    inspector.disconnect();
    await receiver.close();
    await redis.stop();
  });

  async function startHost({ callbacks, dataSources, manualRegistration }: HostOptions): Promise<Billing> {
    const { hostname: host, port } = new URL(redis.url);
    const module: DynamicModule = {
      module: Host,
      imports: [
        ...dataSources,
        BullModule.forRoot({
          connection: { host, port: Number(port) },
          extraOptions: { manualRegistration },
        }),
        BullModule.registerQueue({ name: 'invoices' }),
        HttpModule,
        callbacks,
      ],
      providers: [InvoiceProcessor, Billing],
    };
    const app = await NestFactory.createApplicationContext(module, {
      logger: ['error'],
      abortOnError: false,
    });
    running.push(app);
    return app.get(Billing);
  }

  /** The plainest of hosts: one DataSource, in which the module's tables stand beside the host's own. */
  const startPlainHost = (
    extras: ServiceCallbacksExtras & Pick<HostOptions, 'manualRegistration'> = {},
  ): Promise<Billing> => {
    const { manualRegistration, ...moduleExtras } = extras;
    return startHost({
      manualRegistration,
      dataSources: [hostDataSource(database.url, [Invoice, ...serviceCallbackEntities])],
      callbacks: ServiceCallbacksModule.forRoot({ ...options(new Settings()), ...moduleExtras }),
    });
  };

  async function register(host: Billing, path: string): Promise<string> {
    const serviceId = randomUUID();
    await host.callbackApis.create({
      serviceId,
      callbackType: 'delivery_status',
      url: receiver.url(path),
      bearerToken: TOKEN,
      updatedById: randomUUID(),
    });
    return serviceId;
  }

  it('delivers callbacks while the host does its own work', async () => {
    const host = await startPlainHost();
    const serviceId = await register(host, '/beside');
    const processed = host.processor.next();
    await host.invoices.add('invoice', {});
    await host.producer.sendDeliveryStatus(aNotification({ serviceId }));

    await receiver.waitForRequests(1, { path: '/beside' });
    await processed;
    expect(host.processor.processed).toEqual(['invoice']);
  });

  it('shares no backend with the host', async () => {
    const host = await startPlainHost({ processors: false, manualRegistration: true });
    const serviceId = await register(host, '/apart');
    const { id } = await host.invoices.add('invoice', {});
    await host.producer.sendDeliveryStatus(aNotification({ serviceId }));

    await eventually(async () => expect(await queuesWithJobs(database.url)).toEqual(['service-callbacks']));
    expect((await inspector.keys('*')).filter((key) => !key.startsWith('bull:invoices:'))).toEqual([]);
    expect(await host.invoices.getJobs()).toMatchObject([{ id, name: 'invoice' }]);
  });

  it("gives the host the module's queue through @InjectQueue", async () => {
    const host = await startPlainHost({ processors: false });
    const serviceId = await register(host, '/injected');
    await host.producer.sendDeliveryStatus(aNotification({ serviceId }));

    expect(host.callbacks.name).toBe('service-callbacks');
    await eventually(async () => expect(await host.callbacks.count()).toBe(1));
  });

  it("commits with the host's own rows", async () => {
    const host = await startPlainHost({ processors: false });
    const serviceId = await register(host, '/rolled-back');
    const dispatch = host.dataSource.transaction(async (manager) => {
      await manager.insert(Invoice, { id: randomUUID(), pence: 1 });
      const sent = await host.producer.sendDeliveryStatus(aNotification({ serviceId }), { manager });
      expect(sent).toMatchObject({ queued: true });
      throw new Error('the host thinks better of it');
    });

    await expect(dispatch).rejects.toThrow('the host thinks better of it');
    expect(await recorded(database.url)).toEqual([]);
    expect(await host.dataSource.manager.count(Invoice)).toBe(0);
  });

  it("works beside the host's manual registration", async () => {
    const host = await startPlainHost({ manualRegistration: true });
    const serviceId = await register(host, '/manual');
    await host.invoices.add('invoice', {});
    await host.producer.sendDeliveryStatus(aNotification({ serviceId }));

    await receiver.waitForRequests(1, { path: '/manual' });
    expect(() => host.processor.worker).toThrow('manualRegistration');
    expect(await host.invoices.getWaitingCount()).toBe(1);

    const processed = host.processor.next();
    running[0]?.get(BullRegistrar, { strict: false }).register();
    await processed;
  });

  it('reads from the primary, if the host reads from replicas', async () => {
    // Nothing has been replicated yet.
    const replica = await createEmptyDatabase();
    const host = await startHost({
      dataSources: [
        TypeOrmModule.forRoot({
          type: 'postgres',
          replication: { master: { url: database.url }, slaves: [{ url: replica.url }] },
          entities: [Invoice, ...serviceCallbackEntities],
          retryAttempts: 0,
        }),
      ],
      callbacks: ServiceCallbacksModule.forRoot(options(new Settings())),
    });
    const serviceId = await register(host, '/primary');
    const [endpoint] = await host.callbackApis.list(serviceId);
    await host.producer.sendDeliveryStatus(aNotification({ serviceId }));
    await receiver.waitForRequests(1, { path: '/primary' });
    const log = running[0]?.get(CallbackLogReader);
    await eventually(async () =>
      expect(await log?.list({ serviceId })).toMatchObject({
        callbacks: [{ callbackApiId: endpoint?.id, state: 'delivered' }],
      }),
    );
    await Promise.all(running.splice(0).map((app) => app.close()));
    await replica.drop();
  });

  it("leaves BullMQ's process-wide defaults as they are", async () => {
    await startPlainHost();
    expect(getDefaultBackendFactory()).toBe(createRedisBackend);
    expect(BullModule['_queueClass']).toBe(Queue);
    expect(BullModule['_workerClass']).toBe(Worker);
    expect(BullModule['_flowProducerClass']).toBe(FlowProducer);
    await Promise.all(running.splice(0).map((app) => app.close()));
    expect(getDefaultBackendFactory()).toBe(createRedisBackend);
    expect(BullModule['_queueClass']).toBe(Queue);
  });

  it("has its own HTTP client: the host's interceptors see only the host's requests", async () => {
    const host = await startPlainHost();
    const seen: (string | undefined)[] = [];
    host.http.axiosRef.interceptors.request.use((config) => {
      seen.push(config.url);
      config.headers.set('x-host', 'yes');
      return config;
    });
    const serviceId = await register(host, '/callback');
    await host.producer.sendDeliveryStatus(aNotification({ serviceId }));
    const [callback] = await receiver.waitForRequests(1, { path: '/callback' });

    await host.http.axiosRef.post(receiver.url('/host'), {});
    const [own] = await receiver.waitForRequests(1, { path: '/host' });

    expect(seen).toEqual([receiver.url('/host')]);
    expect(own?.headers).toMatchObject({ 'x-host': 'yes' });
    expect(callback?.headers).not.toHaveProperty('x-host');
  });

  it("sends nothing of the host's axios defaults to a service", async () => {
    const defaults = AxiosHeaders.from(axios.defaults.headers.common as AxiosHeaders);
    axios.defaults.headers.common['x-host-secret'] = 'an-api-key-of-the-host';
    try {
      const host = await startPlainHost();
      const serviceId = await register(host, '/defaults');
      await host.producer.sendDeliveryStatus(aNotification({ serviceId }));
      const [callback] = await receiver.waitForRequests(1, { path: '/defaults' });
      expect(callback?.headers).not.toHaveProperty('x-host-secret');
    } finally {
      axios.defaults.headers.common = defaults;
    }
  });

  it('closes all connections of two hosts in one process', async () => {
    const hosts = [await startPlainHost(), await startPlainHost()];
    for (const host of hosts) {
      const serviceId = await register(host, '/two-hosts');
      await host.producer.sendDeliveryStatus(aNotification({ serviceId }));
    }
    await receiver.waitForRequests(2, { path: '/two-hosts' });
    await Promise.all(running.splice(0).map((app) => app.close()));

    await eventually(async () => {
      expect(await connectionsTo(database.url)).toEqual([]);
      // The inspector's own.
      expect((await inspector.client('LIST')) as string).toMatch(/^id=\d+ [^\n]*\n$/);
    });
  });

  describe('whose callbacks have a named DataSource', () => {
    let callbacksDatabase: TestDatabase;

    beforeEach(async () => {
      callbacksDatabase = await createTestDatabase();
    });

    afterEach(async () => {
      await Promise.all(running.splice(0).map((app) => app.close()));
      await callbacksDatabase.drop();
    });

    const startHostWithNamed = (url: string): Promise<Billing> =>
      startHost({
        dataSources: [
          hostDataSource(database.url, [Invoice]),
          hostDataSource(url, serviceCallbackEntities, 'callbacks'),
        ],
        callbacks: ServiceCallbacksModule.forRootAsync({
          dataSource: 'callbacks',
          imports: [SettingsModule],
          inject: [Settings],
          useFactory: options,
        }),
      });

    it('delivers, and does not use the default one', async () => {
      const host = await startHostWithNamed(callbacksDatabase.url);
      const serviceId = await register(host, '/named');
      const processed = host.processor.next();
      await host.invoices.add('invoice', {});
      await host.producer.sendDeliveryStatus(aNotification({ serviceId }));

      await receiver.waitForRequests(1, { path: '/named' });
      await processed;
      expect(host.dataSource.entityMetadatas.map(({ tableName }) => tableName)).toEqual(['invoices']);
      expect(await query(database.url, 'SELECT id FROM service_callback_apis')).toEqual([]);
      expect(await query(callbacksDatabase.url, 'SELECT url FROM service_callback_apis')).toEqual([
        { url: receiver.url('/named') },
      ]);
    });

    it('commits with a transaction of that DataSource', async () => {
      const host = await startHostWithNamed(callbacksDatabase.url);
      const serviceId = await register(host, '/named-transaction');
      const named = running[0]?.get<DataSource>(getDataSourceToken('callbacks'), { strict: false });
      await named?.transaction(async (manager) => {
        await host.producer.sendDeliveryStatus(aNotification({ serviceId }), { manager });
        // No other connection sees it yet.
        expect(await recorded(callbacksDatabase.url)).toEqual([]);
      });
      await receiver.waitForRequests(1, { path: '/named-transaction' });
    });

    it("commits with the host's default DataSource where both are on one database", async () => {
      const host = await startHostWithNamed(database.url);
      const serviceId = await register(host, '/one-database');
      await host.dataSource.transaction(async (manager) => {
        await manager.insert(Invoice, { id: randomUUID(), pence: 1 });
        await host.producer.sendDeliveryStatus(aNotification({ serviceId }), { manager });
      });
      await receiver.waitForRequests(1, { path: '/one-database' });
      expect(await host.dataSource.manager.count(Invoice)).toBe(1);
    });

    it('refuses a transaction of another database by name', async () => {
      const host = await startHostWithNamed(callbacksDatabase.url);
      const serviceId = await register(host, '/never');
      const send = host.dataSource.transaction((manager) =>
        host.producer.sendDeliveryStatus(aNotification({ serviceId }), { manager }),
      );
      await expect(send).rejects.toThrow(/on another database/);
    });
  });
});

/** A host that does without `optionsFromEnv`: the queues are in the database of the module's DataSource. */
function options({ encryptionKeys }: Settings): ServiceCallbacksOptions {
  return {
    queue: { backend: 'postgres' },
    encryptionKeys,
    addresses: { allowHttp: true, allowedNetworks: ['127.0.0.0/8'] },
  };
}

function hostDataSource(
  url: string,
  entities: readonly (new () => object)[],
  name = 'default',
): DynamicModule {
  return TypeOrmModule.forRoot({ name, type: 'postgres', url, entities: [...entities], retryAttempts: 0 });
}

/** Queues of the module that have jobs, in the table of the PostgreSQL backend. */
async function queuesWithJobs(url: string): Promise<string[]> {
  const rows = await query<{ queue: string }>(url, 'SELECT DISTINCT queue FROM bullmq.job');
  return rows.map(({ queue }) => queue);
}

/** Callbacks that are committed. */
function recorded(url: string): Promise<unknown[]> {
  return query(url, 'SELECT id FROM service_callbacks');
}

/** The connections to the database, except the one of this query. */
async function connectionsTo(url: string): Promise<string[]> {
  const rows = await query<{ name: string }>(
    url,
    `SELECT coalesce(nullif(application_name, ''), backend_type) AS name FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  );
  return rows.map(({ name }) => name);
}
