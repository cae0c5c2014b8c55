import pg from 'pg';
import { BenchProducer } from '../producer.js';
import { rowOf } from '../row.js';
import { WorkerProcess } from '../worker-process.js';
import type { Scenario } from './scenario.js';

const CALLBACKS = 200;
const POOL = 2;

/**
 * The second incident: a pool of 2 and 200 callbacks to an endpoint that takes seconds. How many are in
 * flight together, and how many of the pool's connections are in a transaction or a query meanwhile.
 */
export const pool: Scenario = async ({ lab, options, say }) => {
  const stores = await lab.fresh();
  const producer = await BenchProducer.start(options.backend, stores);
  const serviceId = await producer.register(`${lab.receiver.url}/slow/2000`);
  lab.receiver.reset();
  const worker = await WorkerProcess.start('service', options.backend, stores, {
    DATABASE_POOL_SIZE: String(POOL),
  });
  try {
    await producer.sendMany([serviceId], CALLBACKS);
    const { inFlight, busy } = await watch(
      stores.databaseUrl,
      async () => (await lab.receiver.report()).peakHeld,
    );
    say(`  ${inFlight} of ${CALLBACKS} in flight together, ${busy} connections of the pool held meanwhile`);
    const facts = { scenario: 'pool', backend: options.backend } as const;
    return [
      rowOf(
        {
          ...facts,
          row: 'attempts in flight together / callbacks, with a pool of 2',
          unit: 'attempts',
          bar: { atLeast: 1 },
          settings: { DATABASE_POOL_SIZE: POOL, answerMs: 2_000, connectionsHeldDuringHttp: busy },
        },
        [{ subject: inFlight, baseline: CALLBACKS }],
      ),
    ];
  } finally {
    await worker.kill();
    await producer.stop();
  }
};

/** Looks every 50 ms until all are in flight or 6 s are over. */
async function watch(databaseUrl: string, inFlightNow: () => Promise<number>) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const until = Date.now() + 6_000;
  let inFlight = 0;
  let busy = 0;
  while (inFlight < CALLBACKS && Date.now() < until) {
    inFlight = await inFlightNow();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (let look = 0; look < 10; look += 1) {
    const { rows } = await client.query<{ busy: number }>(
      `SELECT count(*)::int AS busy FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'service-callbacks' AND state <> 'idle'`,
    );
    busy = Math.max(busy, rows[0]?.busy ?? 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await client.end();
  return { inFlight, busy };
}
