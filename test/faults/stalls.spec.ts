import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MAIN_QUEUE, RETRY_QUEUE } from '../../src/queues/queue-names.js';
import { deadLetters } from '../support/dead-letters.js';
import { startBench, type Bench } from '../support/faults/bench.js';
import { FAULT_TIMEOUT_MS } from '../support/faults/variant.js';
import { testedBackend } from '../support/queue-backend.js';
import { nothingStands, queuedJobs } from '../support/queue-state.js';
import { sendCallbackTo } from '../support/scenario.js';

/** One more death than a job is forgiven. */
const DEATHS = 6;
const SUPPORT = join(import.meta.dirname, '..', 'support');
const DIES_AT_HAND_OVER = join(SUPPORT, 'faults', 'dies-at-hand-over.mjs');

describe('a job whose worker dies', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await startBench();
  }, FAULT_TIMEOUT_MS);

  afterAll(async () => {
    await bench.close();
  }, FAULT_TIMEOUT_MS);

  /** Resolves with the signal that ended it. */
  async function dyingWorker(): Promise<NodeJS.Signals | null> {
    const { environment, databaseUrl } = bench;
    const child = spawn(
      process.execPath,
      [
        '--import',
        join(SUPPORT, 'register-typescript.mjs'),
        join(SUPPORT, 'faults', 'dying-worker.ts'),
        environment['QUEUE_BACKEND'] ?? 'postgres',
        environment['REDIS_URL'] ?? databaseUrl,
        MAIN_QUEUE,
      ],
      { stdio: 'ignore' },
    );
    const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return signal;
  }

  it(
    'between the hand-over to the retry queue and its own end: it goes on under the same id',
    async () => {
      bench.receiver.respond('/handed-over', [503, 200]);
      const [dying] = await bench.processes(1, {}, [DIES_AT_HAND_OVER]);
      const { id } = await sendCallbackTo(bench.api, bench.receiver.url('/handed-over'));
      expect(await dying?.ended).toEqual({ code: null, signal: 'SIGKILL' });
      // On PostgreSQL the two are one.
      const handedOver = testedBackend() === 'redis' ? [`${RETRY_QUEUE} ${id}.0`] : [];
      expect((await queuedJobs(bench.api)).toSorted()).toEqual([`${MAIN_QUEUE} ${id}`, ...handedOver]);
      const [heir] = await bench.processes(1);
      // The first attempt, the retry of it that was kept, and the first attempt again.
      const ids = [id, ...handedOver.map(() => id), id];
      const timeoutMs = FAULT_TIMEOUT_MS / 2;
      await bench.receiver.waitForRequests(ids.length, { path: '/handed-over', timeoutMs });
      await nothingStands(bench.api);
      await heir?.kill();
      const sent = bench.receiver.requests.filter(({ path }) => path === '/handed-over');
      expect(sent.map(({ headers }) => headers['webhook-id'])).toEqual(ids);
    },
    FAULT_TIMEOUT_MS,
  );

  it(
    'each time is a dead letter with its own reason, never silence',
    async () => {
      const { id, serviceId } = await sendCallbackTo(bench.api, bench.receiver.url('/deadly'));
      const deaths = await Promise.all(Array.from({ length: DEATHS }, dyingWorker));
      expect(new Set(deaths)).toEqual(new Set(['SIGKILL']));
      const [worker] = await bench.processes(1);
      await worker?.logs.waitFor('callback.stalled', {}, { timeoutMs: FAULT_TIMEOUT_MS / 2 });
      await nothingStands(bench.api);
      expect(await deadLetters(bench.databaseUrl)).toEqual([
        expect.objectContaining({
          id,
          reason: 'stalled',
          document: expect.any(String),
          service_id: serviceId,
        }),
      ]);
      expect(bench.receiver.requests.filter(({ path }) => path === '/deadly')).toEqual([]);
    },
    FAULT_TIMEOUT_MS,
  );
});
