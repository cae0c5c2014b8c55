import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { startBench, type Bench } from '../support/faults/bench.js';
import { startLoad } from '../support/faults/load.js';
import { FAULT_TIMEOUT_MS, inFull } from '../support/faults/variant.js';
import { testedBackend } from '../support/queue-backend.js';
import { createNotification } from '../support/scenario.js';
import { query } from '../support/sql.js';

const OUTAGE_MS = inFull(30_000, 2_000);
/** Longer than `FAST_LOCKS`. */
const UNRESPONSIVE_MS = inFull(30_000, 6_000);

describe('a store that accepts no writes', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await startBench({ ownStores: true, role: 'all' });
  }, FAULT_TIMEOUT_MS);

  afterAll(async () => {
    await bench.close();
  }, FAULT_TIMEOUT_MS);

  /** What a failover to a standby, or an operator with a full disk, does to every session. */
  const readOnly = async (on: boolean) => {
    await query(bench.databaseUrl, `ALTER SYSTEM SET default_transaction_read_only = ${on}`).catch(
      async () => {
        await query(
          bench.databaseUrl,
          `SET default_transaction_read_only = off; ALTER SYSTEM SET default_transaction_read_only = ${on}`,
        );
      },
    );
    await query(bench.databaseUrl, 'SELECT pg_reload_conf()');
  };

  const open = async (serviceId: string) => {
    const found = await query(
      bench.databaseUrl,
      `SELECT 1 FROM service_callbacks WHERE service_id = '${serviceId}' AND state IN ('pending', 'queued')`,
    );
    return found.length;
  };

  it(
    'a read-only database: errors to callers, nothing accepted is lost, and recovery by itself',
    async () => {
      const load = await startLoad(bench.api, bench.receiver, { path: '/read-only' });
      await load.more(10);
      await readOnly(true);
      await sleep(OUTAGE_MS);
      await expect(createNotification(bench.api, load.serviceId)).rejects.toThrow(/got 50\d/);
      await readOnly(false);
      const back = performance.now();
      await load.more(10);
      await load.stop();
      const report = await load.report(`PostgreSQL read-only for ${OUTAGE_MS} ms`, back);
      expect(report.lost).toEqual([]);
      expect(report.refused).toBeGreaterThan(0);
      expect(report.firstDeliveryMs).toBeLessThan(5_000);
    },
    FAULT_TIMEOUT_MS,
  );

  if (testedBackend() === 'redis') {
    it(
      'a full Redis: receipts are accepted, callbacks wait in the record, and continue by themselves',
      async () => {
        const redis = new Redis(bench.redis?.url ?? '');
        const load = await startLoad(bench.api, bench.receiver, { path: '/full' });
        await load.more(10);
        await redis.config('SET', 'maxmemory', '1');
        await load.more(10);
        await bench.api.logs.waitFor('store.unavailable');
        await sleep(OUTAGE_MS);
        expect(await open(load.serviceId)).toBeGreaterThan(0);
        await redis.config('SET', 'maxmemory', '0');
        redis.disconnect();
        const back = performance.now();
        await load.more(10);
        await load.stop();
        const report = await load.report(`Redis full for ${OUTAGE_MS} ms`, back);
        expect({ lost: report.lost, refused: report.refused }).toEqual({ lost: [], refused: 0 });
        expect(report.firstDeliveryMs).toBeLessThan(5_000);
        // A worker that is refused by its store waits a moment before it fetches again.
        const refusals = bench.api.logs
          .events('queue.error')
          .filter((line) => JSON.stringify(line).includes('OOM'));
        expect(refusals.length).toBeLessThan(10 * (OUTAGE_MS / 1_000) + 100);
      },
      FAULT_TIMEOUT_MS,
    );

    it(
      'a Redis that does not respond for longer than a lock lasts, with hundreds of callbacks in delivery: none is lost',
      async () => {
        const { redis } = bench;
        if (!redis) throw new Error('There is no Redis of its own');
        const load = await startLoad(bench.api, bench.receiver, { path: '/silent', everyMs: 10 });
        await load.more(200);
        process.kill(redis.pid, 'SIGSTOP');
        await load.more(200);
        await sleep(UNRESPONSIVE_MS);
        process.kill(redis.pid, 'SIGCONT');
        const back = performance.now();
        await load.more(10);
        await load.stop();
        const report = await load.report(`Redis unresponsive for ${UNRESPONSIVE_MS} ms`, back);
        expect({ lost: report.lost, refused: report.refused }).toEqual({ lost: [], refused: 0 });
        expect(report.firstDeliveryMs).toBeLessThan(5_000);
        // A late timer proves nothing about the clocks.
        expect(bench.api.logs.events('worker.clock_skewed')).toEqual([]);
      },
      FAULT_TIMEOUT_MS,
    );
  }
});
