import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Module, type DynamicModule, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import {
  migrateServiceCallbacks,
  optionsFromEnv,
  serviceCallbackEntities,
  ServiceCallbacksModule,
  SetupError,
  type ServiceCallbacksOptions,
} from 'service-callbacks';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';
import { aNotification } from '../support/builders/a-notification.js';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.js';
import { startHost, type Host, type HostOptions } from '../support/host.js';
import { captureNestLogs } from '../support/nest-logs.js';
import { closedPort } from '../support/receiver.js';
import { query } from '../support/sql.js';

const KEY = `host:${Buffer.alloc(32, 1).toString('base64')}`;
const OPTIONS: ServiceCallbacksOptions = { queue: { backend: 'postgres' }, encryptionKeys: [KEY] };

/** A table of the host's own. */
@Entity('parcels')
class Parcel {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  status!: string;
}

@Module({})
class Application {}

@Module({})
class Feature {}

describe('the set-up of a host', () => {
  const closers: (() => Promise<unknown>)[] = [];
  let migrated: TestDatabase;
  let empty: TestDatabase;

  beforeAll(async () => {
    [migrated, empty] = await Promise.all([createTestDatabase(), createEmptyDatabase()]);
  });

  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });

  afterAll(() => Promise.all([migrated.drop(), empty.drop()]));

  async function start(url: string, options: HostOptions = {}): Promise<Host> {
    const host = await startHost(url, options);
    closers.push(() => host.close());
    return host;
  }

  /** The error of a start that fails. */
  async function refusal(starting: Promise<unknown>): Promise<string> {
    const error: unknown = await starting.then(
      () => new Error('It started'),
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(SetupError);
    return (error as SetupError).message;
  }

  /** With these modules instead of the usual ones. */
  async function startWith(imports: NonNullable<ModuleMetadata['imports']>): Promise<void> {
    const module: DynamicModule = { module: Application, imports };
    const app = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
    closers.push(() => app.close());
  }

  const typeorm = (url: string) =>
    TypeOrmModule.forRoot({
      type: 'postgres',
      url,
      entities: [...serviceCallbackEntities],
      retryAttempts: 0,
    });

  /** A host's `DataSource` that is not made by `TypeOrmModule`. */
  const provided = (dataSource: unknown): DynamicModule => ({
    module: Feature,
    global: true,
    providers: [{ provide: getDataSourceToken(), useValue: dataSource }],
    exports: [getDataSourceToken()],
  });

  async function expectQueued(host: Host): Promise<void> {
    const serviceId = randomUUID();
    await host.callbackApis.create({
      serviceId,
      callbackType: 'delivery_status',
      url: 'http://127.0.0.1/callbacks',
      bearerToken: 'a-token-of-the-service',
    });
    expect(await host.producer.sendDeliveryStatus(aNotification({ serviceId }))).toMatchObject({
      queued: true,
    });
  }

  it('names all that is missing in one error', async () => {
    const message = await refusal(
      start(empty.url, { queue: { backend: 'postgres', migrate: false }, typeorm: { entities: [] } }),
    );
    expect(message.split('\n')).toEqual([
      'Service callbacks cannot start:',
      expect.stringMatching(/does not know CallbackApiEntity: .*serviceCallbackEntities.*`dataSource`/),
      expect.stringMatching(
        /no table service_callback_apis, .*npx service-callbacks migrate.*migrateServiceCallbacks.*migrationsRun/,
      ),
      expect.stringMatching(
        /no schema of the queues.*npx service-callbacks migrate.*migrateServiceCallbacks.*queue\.migrate/,
      ),
    ]);
  });

  it('names the option where there is no DataSource, or none of that name', async () => {
    expect(await refusal(startWith([ServiceCallbacksModule.forRoot(OPTIONS)]))).toMatch(
      /no DataSource: .*`dataSource`/,
    );
    const named = ServiceCallbacksModule.forRoot({ ...OPTIONS, dataSource: 'callbacks' });
    expect(await refusal(startWith([typeorm(migrated.url), named]))).toMatch(
      /no DataSource of the name "callbacks".*`dataSource`/,
    );
  });

  it('names the option where the DataSource is of another database, and one that is not connected', async () => {
    const callbacks = ServiceCallbacksModule.forRoot(OPTIONS);
    const other = provided({ options: { type: 'mysql' } });
    expect(await refusal(startWith([other, callbacks]))).toMatch(/type mysql.*PostgreSQL.*`dataSource`/);
    const idle = provided(new DataSource({ type: 'postgres', url: migrated.url }));
    expect(await refusal(startWith([idle, callbacks]))).toMatch(/not connected/);
  });

  it('names the option where the database of the queues is not there', async () => {
    const queue = {
      backend: 'postgres',
      url: `postgres://me:hunter2@127.0.0.1:${await closedPort()}/queues`,
    };
    const message = await refusal(start(migrated.url, { queue } as HostOptions));
    expect(message).toMatch(
      /`queue\.url` \(QUEUE_DATABASE_URL\) is unavailable at .*ECONNREFUSED.*Start PostgreSQL/,
    );
    expect(message).not.toContain('hunter2');
  });

  it('names a second forRoot', async () => {
    const feature = { module: Feature, imports: [ServiceCallbacksModule.forRoot(OPTIONS)] };
    const twice = startWith([typeorm(migrated.url), ServiceCallbacksModule.forRoot(OPTIONS), feature]);
    expect(await refusal(twice)).toMatch(/forRoot is called more than once.*isGlobal/);
  });

  it('allows one forRoot that several modules import', async () => {
    const callbacks = ServiceCallbacksModule.forRoot({ ...OPTIONS, processors: false });
    const starting = startWith([typeorm(migrated.url), callbacks, { module: Feature, imports: [callbacks] }]);
    await expect(starting).resolves.toBeUndefined();
  });

  it('names migrations of a later release', async () => {
    await query(migrated.url, `UPDATE migrations SET name = 'Older' WHERE name = 'Figures1764000000003'`);
    try {
      expect(await refusal(start(migrated.url))).toMatch(
        /migrations Figures1764000000003 have not been run: .*npx service-callbacks migrate/,
      );
    } finally {
      await query(migrated.url, `UPDATE migrations SET name = 'Figures1764000000003' WHERE name = 'Older'`);
    }
  });

  it('names the command for a start in production, and starts after it', async () => {
    const options = () => {
      const { queue } = optionsFromEnv({ NODE_ENV: 'production', CALLBACK_ENCRYPTION_KEYS: KEY });
      return { queue };
    };
    const database = await createEmptyDatabase();
    closers.push(() => database.drop());
    expect(await refusal(start(database.url, options()))).toContain('npx service-callbacks migrate');
    expect(await migrateServiceCallbacks(database.url)).toContain('Callbacks1764000000002');
    await expectQueued(await start(database.url, options()));
  });

  describe('with tables in another schema', () => {
    let database: TestDatabase;
    const inApp = { schema: 'app', extra: { options: '-c search_path=app' } };

    beforeAll(async () => {
      database = await createEmptyDatabase();
      await query(database.url, 'CREATE SCHEMA app');
      await migrateServiceCallbacks(new DataSource({ type: 'postgres', url: database.url, ...inApp }));
    });

    afterAll(() => database.drop());

    it('works if the search_path has it', async () => {
      await expectQueued(await start(database.url, { typeorm: inApp }));
      expect(await query(database.url, 'SELECT state FROM app.service_callbacks')).toHaveLength(1);
    });

    it('refuses connections with another search_path', async () => {
      expect(await refusal(start(database.url, { typeorm: { schema: 'app' } }))).toMatch(
        /schema "app", but its connections look for tables in "\$user", public.*search_path=app/,
      );
      expect(await refusal(start(database.url))).toMatch(
        /Tables of the module are in the schema app, which is not in the search_path/,
      );
    });

    it('creates none in the wrong schema', async () => {
      const dataSource = new DataSource({ type: 'postgres', url: database.url, schema: 'app' });
      expect(await refusal(migrateServiceCallbacks(dataSource))).toContain('search_path=app');
    });
  });

  it('works with an entityPrefix, which its tables do not have', async () => {
    await expectQueued(await start(migrated.url, { typeorm: { entityPrefix: 'shop_' } }));
  });

  describe('with a database user of its own', () => {
    const user = `dml_${randomBytes(6).toString('hex')}`;
    let database: TestDatabase;
    let url: string;

    beforeAll(async () => {
      database = await createTestDatabase();
      const asUser = new URL(database.url);
      [asUser.username, asUser.password] = [user, 'a-password'];
      url = asUser.href;
      await query(
        database.url,
        `CREATE ROLE ${user} LOGIN PASSWORD 'a-password';
         REVOKE CREATE ON SCHEMA public FROM PUBLIC;
         GRANT USAGE ON SCHEMA public, bullmq TO ${user};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, bullmq TO ${user}`,
      );
    });

    afterAll(async () => {
      await query(database.url, `DROP OWNED BY ${user}; DROP ROLE ${user}`);
      await database.drop();
    });

    it('works with the rights of DML alone', async () => {
      await expectQueued(await start(url));
    });

    it('names each right that it lacks, and the table', async () => {
      await query(
        database.url,
        `REVOKE INSERT ON service_callbacks, service_callback_news FROM ${user};
         REVOKE UPDATE, DELETE ON bullmq.job FROM ${user}`,
      );
      const message = await refusal(start(url));
      expect(message).toContain(
        `${user} lacks INSERT on public.service_callback_news, public.service_callbacks: ` +
          `GRANT INSERT ON public.service_callback_news, public.service_callbacks TO ${user}`,
      );
      expect(message).toContain(`${user} lacks UPDATE, DELETE on bullmq.job`);
    });

    it('names a schema that it may not use', async () => {
      await query(database.url, `REVOKE USAGE ON SCHEMA bullmq FROM ${user}`);
      expect(await refusal(start(url))).toContain(`GRANT USAGE ON SCHEMA bullmq TO ${user}`);
    });

    it('names a schema that it may not create', async () => {
      await query(database.url, 'DROP SCHEMA bullmq CASCADE');
      expect(await refusal(start(url))).toMatch(/no schema of the queues.*may not change it.*migrate/);
    });
  });

  it('keeps its tables if the host synchronizes its own', async () => {
    const host = await start(migrated.url, { entities: [Parcel], typeorm: { synchronize: true } });
    expect(host.statements.join('\n')).toContain('CREATE TABLE "parcels"');
    const ours = /\b(CREATE|ALTER|DROP|COMMENT)\b.*service_callback/;
    expect(host.statements.filter((statement) => ours.test(statement))).toEqual([]);
    await expectQueued(host);
  });

  it("writes nothing of its tables into the host's generated migrations", async () => {
    const host = await start(migrated.url, { entities: [Parcel] });
    await query(migrated.url, 'DROP TABLE IF EXISTS parcels');
    const { upQueries, downQueries } = await host.dataSource.driver.createSchemaBuilder().log();
    const statements = [...upQueries, ...downQueries].map(({ query: statement }) => statement);
    expect(statements).toEqual([
      expect.stringContaining('CREATE TABLE "parcels"'),
      expect.stringContaining('DROP TABLE "parcels"'),
    ]);
  });

  it('can be closed twice', async () => {
    const host = await startHost(migrated.url, { extras: { processors: true } });
    const lines = captureNestLogs();
    await expectQueued(host);
    await Promise.all([host.close(), host.close()]);
    await host.close();
    // Other tests' callbacks are attempted as well, and nothing responds.
    const said = lines.filter(({ event }) => event !== 'callback.retrying');
    expect(said.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  });
});
