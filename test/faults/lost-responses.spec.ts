import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { startBench, type Bench } from '../support/faults/bench.js';
import { startForwarder, type Forwarder, type HeldResponses } from '../support/faults/forwarder.js';
import { startLoad } from '../support/faults/load.js';
import { FAULT_TIMEOUT_MS, inFull } from '../support/faults/variant.js';
import { held } from '../support/held.js';
import { testedBackend } from '../support/queue-backend.js';
import { allFinished } from '../support/queue-state.js';
import { status } from '../support/receiver.js';
import { startRedisServer, type RedisServer } from '../support/redis-server.js';

const TIMES = inFull(5, 1);

/** The relay does not know whether the queue has the job, and the job is in delivery. */
(testedBackend() === 'redis' ? describe : describe.skip)('an add that Redis executed', () => {
  let redis: RedisServer;
  let line: Forwarder;
  let bench: Bench;

  beforeAll(async () => {
    redis = await startRedisServer({ persistent: true });
    line = await startForwarder(Number(new URL(redis.url).port));
    const environment = { REDIS_URL: `redis://127.0.0.1:${line.port}`, CALLBACK_TIMEOUT_MS: '60000' };
    bench = await startBench({ role: 'all', environment });
  }, FAULT_TIMEOUT_MS);

  afterAll(async () => {
    await bench.close();
    await line.down();
    await redis.stop();
  }, FAULT_TIMEOUT_MS);

  it.each<readonly [string, (responses: HeldResponses, failed: Promise<unknown>) => Promise<unknown>]>([
    [
      'whose connection broke before the response',
      (responses, failed) => {
        responses.lose();
        return failed;
      },
    ],
    ['whose response came too late', (responses, failed) => failed.then(() => responses.release())],
  ])(
    '%s: each callback arrives once',
    async (name, end) => {
      const path = `/${name.replaceAll(' ', '-')}`;
      const load = await startLoad(bench.api, bench.receiver, { path });
      for (let time = 0; time < TIMES; time += 1) {
        await load.more(20);
        const inDelivery = held(status(200));
        bench.receiver.respond(path, inDelivery.behaviour);
        const responses = await line.holdResponses(load.serviceId);
        const [id] = /[0-9a-f-]{36}(?=","endpoint":)/.exec(responses.request) ?? [];
        // A worker has it from Redis.
        await eventually(async () => {
          expect(bench.receiver.requests.map(({ headers }) => headers['webhook-id'])).toContain(id);
        });
        const outages = { count: bench.api.logs.events('store.unavailable').length + 1 };
        await end(responses, bench.api.logs.waitFor('store.unavailable', {}, outages));
        // What the relay took for lost, it would take again now.
        await bench.api.logs.waitFor('store.available', {}, outages);
        await load.more(20);
        inDelivery.release();
      }
      await load.stop();
      const { lost, repeated, refused } = await load.report(`an add ${name}`);
      expect({ lost, repeated, refused }).toEqual({ lost: [], repeated: 0, refused: 0 });
      await allFinished(bench.api);
    },
    FAULT_TIMEOUT_MS,
  );
});
