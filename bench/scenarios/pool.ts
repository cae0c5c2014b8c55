import pg from 'pg';
import { BenchProducer } from '../producer.js';
import { rowOf } from '../row.js';
import { WorkerProcess } from '../worker-process.js';
import type { Scenario } from './scenario.js';

const CALLBACKS = 200;
const POOL = 2;
const ANSWER_MS = 2_000;
/** A statement or transaction of that age waits for something; recording what is over takes a few, ms. */
const HELD_MS = 100;

/**
 * The second incident: a pool of 2 and 200 callbacks to an endpoint that takes seconds. How many are in
 * flight together, and how many of the pool's connections are free of a transaction meanwhile.
 */
export const pool: Scenario = async function* ({ lab, options, say }) {
  const stores = await lab.fresh();
  const producer = await BenchProducer.start(options.backend, stores);
  const serviceId = await producer.register(`${lab.receiver.url}/slow/${ANSWER_MS}`);
  lab.receiver.reset();
  const worker = await WorkerProcess.start('service', options.backend, stores, {
    DATABASE_POOL_SIZE: String(POOL),
  });
  try {
    await producer.sendMany([serviceId], CALLBACKS);
    const { inFlight, held } = await watch(
      stores.databaseUrl,
      async () => (await lab.receiver.report()).peakHeld,
    );
    say(`  ${inFlight} of ${CALLBACKS} in flight together, ${held} connections of the pool held meanwhile`);
    const facts = { scenario: 'pool', backend: options.backend, bar: { atLeast: 1 } } as const;
    const settings = { DATABASE_POOL_SIZE: POOL, answerMs: ANSWER_MS };
    yield rowOf(
      {
        ...facts,
        row: 'attempts in flight together / callbacks, with a pool of 2',
        unit: 'attempts',
        settings,
      },
      [{ subject: inFlight, baseline: CALLBACKS }],
    );
    yield rowOf(
      {
        ...facts,
        row: 'database connections not held during HTTP / the pool of 2',
        unit: 'connections',
        settings: { ...settings, heldMs: HELD_MS },
      },
      [{ subject: POOL - held, baseline: POOL }],
    );
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
  let held = 0;
  while (inFlight < CALLBACKS && Date.now() < until) {
    inFlight = await inFlightNow();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (let look = 0; look < 10; look += 1) {
    const { rows } = await client.query<{ held: number }>(
      `SELECT count(*)::int AS held FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'service-callbacks' AND state <> 'idle'
         AND xact_start < clock_timestamp() - $1 * interval '1 millisecond'`,
      [HELD_MS],
    );
    held = Math.max(held, rows[0]?.held ?? 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await client.end();
  return { inFlight, held };
}
