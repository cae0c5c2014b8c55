import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource, type EntityManager } from 'typeorm';
import { MAIN_QUEUE } from '../../src/queues/queue-names.js';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { ForeignDatabaseError } from '../../src/service-callbacks/producer/foreign-database.error.js';
import {
  ServiceCallbacksProducer,
  type SendOptions,
} from '../../src/service-callbacks/producer/service-callbacks-producer.js';
import { serviceEntities } from '../../src/service-entities.js';
import { aNotification } from '../support/builders/a-notification.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { queueOf, queuedJobs } from '../support/queue-state.js';
import { createNotification, registerCallbackApi, sendReceipt } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';

/** R18 on PostgreSQL. No worker runs, so that what was enqueued stands where it was put. */
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

  beforeEach(() => queueOf(service, MAIN_QUEUE).drain());

  afterAll(async () => {
    await service.stop();
    await database.drop();
  });

  async function send(options?: SendOptions): Promise<string> {
    const notification = aNotification({ serviceId });
    const result = await service.app.get(ServiceCallbacksProducer).sendDeliveryStatus(notification, options);
    if (!result.queued) throw new Error(`not queued: ${result.reason}`);
    return `${MAIN_QUEUE} ${result.id}`;
  }

  it('commits with the transaction, and not before', async () => {
    const job = await dataSource.transaction(async (manager) => {
      const sent = await send({ manager });
      expect(await queuedJobs(service)).toEqual([]);
      return sent;
    });
    expect(await queuedJobs(service)).toEqual([job]);
  });

  it('is undone with the transaction', async () => {
    const change = dataSource.transaction(async (manager) => {
      await send({ manager });
      throw new Error('thought better of it');
    });
    await expect(change).rejects.toThrow('thought better of it');
    expect(await queuedJobs(service)).toEqual([]);
  });

  it('commits with the status it tells of, or neither does', async () => {
    const { id } = await createNotification(service, serviceId);
    // The queue cannot take it: nor may the status change.
    await dataSource.query('ALTER TABLE bullmq.job RENAME TO job_away');
    try {
      const answer = await service.call('POST', `/notifications/${id}/receipts`, { status: 'delivered' });
      expect(answer.status).toBe(500);
    } finally {
      await dataSource.query('ALTER TABLE bullmq.job_away RENAME TO job');
    }
    expect(await sendReceipt(service, id)).toMatchObject({ callback: { queued: true } });
  });

  it.each(['"$user", public', 'public, pg_catalog', 'public'])(
    'leaves the search path %j as it was',
    async (path) => {
      await dataSource.transaction(async (manager) => {
        await manager.query(`SELECT set_config('search_path', $1, true)`, [path]);
        await send({ manager });
        expect(await searchPath(manager)).toEqual([{ path }]);
        // The caller's tables are found, the queue's own are not.
        expect(
          await manager.query(`SELECT to_regclass('notifications') AS theirs, to_regclass('job') AS ours`),
        ).toEqual([{ theirs: 'notifications', ours: null }]);
      });
    },
  );

  it('makes no temporary table for a single callback: that costs as much as two dozen of them', async () => {
    await dataSource.transaction(async (manager) => {
      await send({ manager });
      const tables = `SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()`;
      expect(await manager.query(tables)).toEqual([]);
    });
  });

  it('leaves a pooled connection as it found it', async () => {
    const runner = dataSource.createQueryRunner();
    try {
      const before = await searchPath(runner.manager);
      await runner.startTransaction();
      await send({ manager: runner.manager });
      await runner.commitTransaction();
      expect(await searchPath(runner.manager)).toEqual(before);
      await runner.startTransaction();
      await send({ manager: runner.manager });
      await runner.rollbackTransaction();
      expect(await searchPath(runner.manager)).toEqual(before);
    } finally {
      await runner.release();
    }
  });

  it('delays nobody else, however long the caller’s transaction stays open', async () => {
    const runner = dataSource.createQueryRunner();
    try {
      await runner.startTransaction();
      const slow = await send({ manager: runner.manager });
      // While it is open: without a transaction, and in one of its own.
      const alone = await send();
      const other = await dataSource.transaction((manager) => send({ manager }));
      expect((await queuedJobs(service)).toSorted()).toEqual([alone, other].toSorted());

      await runner.commitTransaction();
      expect(await queuedJobs(service)).toContain(slow);
    } finally {
      await runner.release();
    }
  });

  it('two receipts at the same moment give one callback', async () => {
    const { id } = await createNotification(service, serviceId);
    const statuses = ['delivered', 'permanent-failure', 'delivered', 'technical-failure', 'delivered'];

    const answers = await Promise.all(statuses.map((status) => sendReceipt(service, id, { status })));

    const queued = answers.filter(({ callback }) => callback.queued);
    expect(queued).toHaveLength(1);
    expect(new Set(answers.map(({ notification }) => notification.status))).toEqual(
      new Set(queued.map(({ notification }) => notification.status)),
    );
    expect(await queuedJobs(service)).toHaveLength(1);
  });

  it('enqueues by itself where the manager has no transaction', async () => {
    const job = await send({ manager: dataSource.manager });
    expect(await queuedJobs(service)).toEqual([job]);
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
      expect(await queuedJobs(service)).toEqual([]);
    });
  });
});

function searchPath(manager: EntityManager): Promise<{ path: string }[]> {
  return manager.query<{ path: string }[]>(`SELECT current_setting('search_path') AS path`);
}
