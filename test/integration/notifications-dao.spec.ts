import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { NotificationDao } from '../../src/notifications/notification.dao.js';
import type { NotificationEntity } from '../../src/notifications/notification.entity.js';
import {
  FINAL_STATUSES,
  type NotificationStatus,
} from '../../src/service-callbacks/callback-types/notification-status.js';
import { serviceEntities } from '../../src/service-entities.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const CREATED = new Date('2017-06-20T12:34:56.789Z');
const NOW = new Date('2017-06-20T12:35:02.250Z');

/** The first final status stands. */
describe('updateStatusById', () => {
  const statements: string[] = [];
  let database: TestDatabase;
  let dataSource: DataSource;
  let dao: NotificationDao;

  beforeAll(async () => {
    database = await createTestDatabase();
    const log = (statement: string) => statements.push(statement);
    const ignored = () => undefined;
    dataSource = await new DataSource({
      ...dataSourceOptions({ url: database.url, poolSize: 10, entities: [...serviceEntities] }),
      logging: ['query'],
      logger: {
        logQuery: log,
        logQueryError: ignored,
        logQuerySlow: ignored,
        logSchemaBuild: ignored,
        logMigration: ignored,
        log: ignored,
      },
    }).initialize();
    dao = new NotificationDao(dataSource);
  });

  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  function create(status: NotificationStatus = 'sending'): Promise<NotificationEntity> {
    return dao.create(
      {
        serviceId: randomUUID(),
        notificationType: 'email',
        to: 'recipient@example.com',
        templateId: randomUUID(),
        templateVersion: 3,
        reference: null,
        status,
        sentAt: null,
      },
      CREATED,
    );
  }

  it('stores the status and who sent it in one statement', async () => {
    const { id, ...rest } = await create();
    const before = statements.length;

    const updated = await dao.updateStatusById(id, 'delivered', { sentBy: 'provider', now: NOW });

    expect(statements.slice(before)).toEqual([expect.stringMatching(/UPDATE notifications /)]);
    expect(updated).toEqual({ ...rest, id, status: 'delivered', sentBy: 'provider', updatedAt: NOW });
    expect(await dao.findById(id)).toEqual(updated);
  });

  it('keeps the sender if none is given', async () => {
    const { id } = await create();
    expect(await dao.updateStatusById(id, 'sent', { now: NOW })).toMatchObject({
      status: 'sent',
      sentBy: null,
    });
  });

  it('never overwrites a sender', async () => {
    const { id } = await create();
    await dao.updateStatusById(id, 'sent', { sentBy: 'first', now: NOW });
    expect(await dao.updateStatusById(id, 'delivered', { sentBy: 'second', now: NOW })).toMatchObject({
      status: 'delivered',
      sentBy: 'first',
    });
  });

  it.each(FINAL_STATUSES)('does not change a notification that is %s', async (status) => {
    const created = await create(status);
    const other = status === 'delivered' ? 'permanent-failure' : 'delivered';
    expect(await dao.updateStatusById(created.id, other, { sentBy: 'late', now: NOW })).toBeNull();
    expect(await dao.findById(created.id)).toEqual(created);
  });

  it('treats the same status as no change', async () => {
    const { id } = await create('sent');
    expect(await dao.updateStatusById(id, 'sent', { now: NOW })).toBeNull();
  });

  it('returns null for an unknown notification', async () => {
    expect(await dao.updateStatusById(randomUUID(), 'delivered', { now: NOW })).toBeNull();
  });

  it('changes a notification once for many receipts at the same moment', async () => {
    const { id } = await create();
    const updates = Array.from({ length: 10 }, (_, at) =>
      dao.updateStatusById(id, FINAL_STATUSES[at % FINAL_STATUSES.length] ?? 'delivered', { now: NOW }),
    );
    const [winner, ...others] = (await Promise.all(updates)).filter((updated) => updated !== null);
    expect(others).toEqual([]);
    expect(await dao.findById(id)).toEqual(winner);
  });

  it('is undone with the caller’s transaction', async () => {
    const { id } = await create();
    const change = dao.transaction(async (manager) => {
      await dao.updateStatusById(id, 'delivered', { now: NOW, manager });
      throw new Error('thought better of it');
    });
    await expect(change).rejects.toThrow('thought better of it');
    expect(await dao.findById(id)).toMatchObject({ status: 'sending', updatedAt: null });
  });
});
