import { afterEach, describe, expect, it } from '@jest/globals';
import { createTestDatabase } from '../support/database.js';
import { startForwarder, type Forwarder } from '../support/faults/forwarder.js';
import { FAULT_TIMEOUT_MS } from '../support/faults/variant.js';
import { testedBackend } from '../support/queue-backend.js';
import { startReceiver } from '../support/receiver.js';
import { startRedisServer } from '../support/redis-server.js';
import { causeCallback, registerCallbackApi } from '../support/scenario.js';
import { startTestService } from '../support/service.js';

/** Longer than either store is waited for, ms. */
const MAX_WAIT_MS = 45_000;

/** What a server that lost its power, or a firewall that forgot a connection, leaves behind. */
describe('connections to a store that carry no data and are not closed', () => {
  const closers: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  }, FAULT_TIMEOUT_MS);

  async function lineTo(url: string): Promise<{ readonly url: string; readonly line: Forwarder }> {
    const through = new URL(url);
    const line = await startForwarder(Number(through.port));
    closers.push(() => line.down());
    through.port = String(line.port);
    return { url: through.href, line };
  }

  async function delivers(databaseUrl: string, environment: Record<string, string>) {
    const receiver = await startReceiver();
    closers.push(() => receiver.close());
    const service = await startTestService(databaseUrl, environment);
    closers.push(() => service.stop());
    const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/') });
    return async () => {
      const { id } = await causeCallback(service, serviceId);
      return service.logs.waitForEnd(id, { timeoutMs: MAX_WAIT_MS });
    };
  }

  it(
    'are closed, and delivery continues over new ones: PostgreSQL',
    async () => {
      const database = await createTestDatabase();
      closers.push(() => database.drop());
      const { url, line } = await lineTo(database.url);
      const deliver = await delivers(url, {});
      expect(await deliver()).toMatchObject({ event: 'callback.delivered' });
      line.dropTraffic();
      // The first request after that may fail, after a bounded time; the next one is served.
      const [first] = await Promise.allSettled([deliver()]);
      const outcome = first.status === 'fulfilled' ? first.value : await deliver();
      expect(outcome).toMatchObject({ event: 'callback.delivered' });
    },
    FAULT_TIMEOUT_MS,
  );

  if (testedBackend() === 'redis') {
    it(
      'are closed, and delivery continues over new ones: Redis',
      async () => {
        const database = await createTestDatabase();
        closers.push(() => database.drop());
        const redis = await startRedisServer({ persistent: true });
        closers.push(() => redis.stop());
        const { url, line } = await lineTo(redis.url);
        const deliver = await delivers(database.url, { REDIS_URL: url });
        expect(await deliver()).toMatchObject({ event: 'callback.delivered' });
        line.dropTraffic();
        expect(await deliver()).toMatchObject({ event: 'callback.delivered' });
      },
      FAULT_TIMEOUT_MS,
    );
  }
});
