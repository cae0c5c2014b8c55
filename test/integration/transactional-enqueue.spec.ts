import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource, type EntityManager } from 'typeorm';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { ForeignDatabaseError } from '../../src/service-callbacks/producer/same-database.js';
import {
  ServiceCallbacksProducer,
  type SendOptions,
} from '../../src/service-callbacks/producer/service-callbacks-producer.js';
import { serviceEntities } from '../../src/service-entities.js';
import { aNotification } from '../support/builders/a-notification.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { createNotification, registerCallbackApi, sendReceipt } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';

/** No worker runs, so callbacks stay pending. */
describe('enqueuing in the caller’s transaction', () => {
  let database: TestDatabase;
  let service: TestService;
  let dataSource: DataSource;
  let serviceId: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    service = await startTestService(database.url, { PROCESS_ROLE: 'api' });
    dataSource = service.app.get(DataSource);
    ({ serviceId } = await registerCallbackApi(service, { url: 'http://127.0.0.1/callbacks' }));
  });

  beforeEach(() =>
    query(
      database.url,
      `WITH payloads AS (DELETE FROM service_callback_payloads), news AS (DELETE FROM service_callback_news)
       DELETE FROM service_callbacks`,
    ),
  );

  afterAll(async () => {
    await service.stop();
    await database.drop();
  });

  async function send(options?: SendOptions): Promise<string> {
    const notification = aNotification({ serviceId });
    const result = await service.app.get(ServiceCallbacksProducer).sendDeliveryStatus(notification, options);
    if (!result.queued) throw new Error(`not queued: ${result.reason}`);
    return result.id;
  }

  /** What everybody sees. */
  async function recorded(): Promise<string[]> {
    const rows = await query<{ id: string }>(database.url, 'SELECT id FROM service_callbacks ORDER BY id');
    return rows.map(({ id }) => id);
  }

  it('commits with the transaction, and not before', async () => {
    const id = await dataSource.transaction(async (manager) => {
      const sent = await send({ manager });
      expect(await recorded()).toEqual([]);
      return sent;
    });
    expect(await recorded()).toEqual([id]);
  });

  it('is undone with the transaction', async () => {
    const change = dataSource.transaction(async (manager) => {
      await send({ manager });
      throw new Error('thought better of it');
    });
    await expect(change).rejects.toThrow('thought better of it');
    expect(await recorded()).toEqual([]);
    expect(await query(database.url, 'SELECT FROM service_callback_payloads')).toEqual([]);
    expect(await query(database.url, 'SELECT FROM service_callback_news')).toEqual([]);
  });

  it('is undone with a savepoint of the transaction', async () => {
    const kept = await dataSource.transaction(async (manager) => {
      const inner = manager.transaction(async (nested) => {
        await send({ manager: nested });
        throw new Error('not this one');
      });
      await expect(inner).rejects.toThrow('not this one');
      return send({ manager });
    });
    expect(await recorded()).toEqual([kept]);
  });

  it.each(['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] as const)(
    'commits with a transaction that is %s',
    async (isolation) => {
      const id = await dataSource.transaction(isolation, (manager) => send({ manager }));
      expect(await recorded()).toEqual([id]);
    },
  );

  it('commits with the status that it reports, or neither does', async () => {
    const { id } = await createNotification(service, serviceId);
    // The callback cannot be recorded: nor may the status change.
    await query(database.url, 'ALTER TABLE service_callback_payloads RENAME TO payloads_elsewhere');
    try {
      const { status } = await service.call('POST', `/notifications/${id}/receipts`, { status: 'delivered' });
      expect(status).toBe(500);
    } finally {
      await query(database.url, 'ALTER TABLE payloads_elsewhere RENAME TO service_callback_payloads');
    }
    expect(await sendReceipt(service, id)).toMatchObject({ callback: { queued: true } });
  });

  it('leaves the caller’s connection as it found it', async () => {
    const runner = dataSource.createQueryRunner();
    try {
      const before = await settings(runner.manager);
      await runner.startTransaction();
      const inTransaction = await settings(runner.manager);
      await send({ manager: runner.manager });
      expect(await settings(runner.manager)).toEqual(inTransaction);
      const tables = `SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()`;
      expect(await runner.query(tables)).toEqual([]);
      await runner.commitTransaction();
      expect(await settings(runner.manager)).toEqual(before);
    } finally {
      await runner.release();
    }
  });

  it('delays no other caller, however long the caller’s transaction stays open', async () => {
    const runner = dataSource.createQueryRunner();
    try {
      await runner.startTransaction();
      const slow = await send({ manager: runner.manager });
      // While it is open: another callback without a transaction, and one in another transaction.
      const alone = await send();
      const other = await dataSource.transaction((manager) => send({ manager }));
      expect(await recorded()).toEqual([alone, other].toSorted());

      await runner.commitTransaction();
      expect(await recorded()).toContain(slow);
    } finally {
      await runner.release();
    }
  });

  it('two receipts at the same moment give one callback', async () => {
    const { id } = await createNotification(service, serviceId);
    const statuses = ['delivered', 'permanent-failure', 'delivered', 'technical-failure', 'delivered'];

    const responses = await Promise.all(statuses.map((status) => sendReceipt(service, id, { status })));

    const queued = responses.filter(({ callback }) => callback.queued);
    expect(queued).toHaveLength(1);
    expect(new Set(responses.map(({ notification }) => notification.status))).toEqual(
      new Set(queued.map(({ notification }) => notification.status)),
    );
    expect(await recorded()).toHaveLength(1);
  });

  it('enqueues by itself if the manager has no transaction', async () => {
    const id = await send({ manager: dataSource.manager });
    expect(await recorded()).toEqual([id]);
  });

  describe('of another database', () => {
    let foreign: TestDatabase;
    let elsewhere: DataSource;

    beforeAll(async () => {
      foreign = await createTestDatabase();
      const options = dataSourceOptions({ url: foreign.url, poolSize: 2, entities: [...serviceEntities] });
      elsewhere = await new DataSource(options).initialize();
    });

    afterAll(async () => {
      await elsewhere.destroy();
      await foreign.drop();
    });

    it('is refused by name', async () => {
      const change = elsewhere.transaction((manager) => send({ manager }));
      await expect(change).rejects.toThrow(ForeignDatabaseError);
      await expect(change).rejects.toThrow(new URL(foreign.url).pathname.slice(1));
      expect(await recorded()).toEqual([]);
    });
  });
});

/** What was set on a connection, or in its transaction. */
function settings(manager: EntityManager): Promise<unknown[]> {
  return manager.query(`SELECT name, setting FROM pg_settings WHERE source = 'session' ORDER BY name`);
}
