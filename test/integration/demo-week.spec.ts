import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { seedWeek } from '../../scripts/demo/seed-week.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { deadLettersOf } from '../support/dead-letter-api.js';
import { eventually } from '../support/eventually.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startTestService, TEST_ENVIRONMENT, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';

describe('the made-up week of the demo', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    const keys = TEST_ENVIRONMENT['CALLBACK_ENCRYPTION_KEYS'] ?? '';
    await seedWeek(database.url, [keys], receiver.url().replace(/\/$/, ''));
    service = await startTestService(database.url, { CALLBACK_REPLAY_RATE: '100' });
  }, 60_000);

  afterAll(async () => {
    await service.stop();
    await receiver.close();
    await database.drop();
  }, 60_000);

  it('has dead letters that can be replayed', async () => {
    const letters = await query<{ id: string; service_id: string; callback_type: string }>(
      database.url,
      `SELECT c.id, c.service_id, c.callback_type FROM service_callbacks c
       JOIN service_callback_payloads p ON p.id = c.id
       JOIN service_callback_apis e ON e.id = c.endpoint_id AND e.disabled_at IS NULL
       WHERE c.state = 'given_up' AND c.dismissed_at IS NULL`,
    );
    expect(letters.length).toBeGreaterThan(30);
    expect(letters.map(({ callback_type }) => callback_type)).toContain('delivery_status');
    for (const serviceId of new Set(letters.map((letter) => letter.service_id))) {
      expect(await deadLettersOf(service, serviceId).replayAll({})).toMatchObject({ status: 202 });
    }
    await eventually(async () => {
      expect(receiver.requests.length).toBeGreaterThanOrEqual(letters.length);
    }, 30_000);
    expect(service.logs.events('callback.unreadable')).toEqual([]);
    const arrived = new Set(receiver.requests.map(({ headers }) => headers['webhook-id']));
    expect(letters.filter(({ id }) => !arrived.has(id))).toEqual([]);
  }, 60_000);

  it('has few callbacks that wait, and none that becomes due while it is shown', async () => {
    const [waiting] = await query<{ count: number; soonest: Date }>(
      database.url,
      `SELECT count(*)::int AS count, min(next_attempt_at) AS soonest FROM service_callbacks
       WHERE next_attempt_at IS NOT NULL`,
    );
    expect(waiting?.count).toBeLessThan(10);
    expect(waiting?.soonest.getTime()).toBeGreaterThan(Date.now() + 30 * 60_000);
  });
});
