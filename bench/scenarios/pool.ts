import pg from 'pg';
import { BenchProducer } from '../producer.js';
import type { Receiver } from '../receiver.js';
import { rowOf } from '../row.js';
import { WorkerProcess } from '../worker-process.js';
import type { Scenario } from './scenario.js';

const CALLBACKS = 200;
const POOL = 2;
const LATENCY_MS = 2_000;
/** A statement or transaction of this age waits for something; writing results takes a few ms. */
const HELD_MS = 100;

/**
 * The incident "a full pool" of docs/requirements.md: a pool of 2, and 200 callbacks to an endpoint that takes seconds.
 * Measures how many are in flight at once, and how many of the pool's connections are free of a transaction meanwhile.
 */
export const pool: Scenario = async function* ({ lab, options, say }) {
  const stores = await lab.fresh();
  const producer = await BenchProducer.start(options.backend, stores);
  const serviceId = await producer.register(`${lab.receiver.url}/slow/${LATENCY_MS}`);
  await producer.sendMany([serviceId], CALLBACKS);
  // Its pool would have the same name as the worker's.
  await producer.stop();
  lab.receiver.reset();
  const worker = await WorkerProcess.start('service', options.backend, stores, {
    DATABASE_POOL_SIZE: String(POOL),
  });
  try {
    const { inFlight, held } = await watch(lab.receiver, stores.databaseUrl);
    say(`  ${inFlight} of ${CALLBACKS} in flight together, ${held} connections of the pool held meanwhile`);
    const facts = { scenario: 'pool', backend: options.backend, bar: { atLeast: 1 } } as const;
    const settings = { DATABASE_POOL_SIZE: POOL, latencyMs: LATENCY_MS };
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
      [{ subject: Math.max(0, POOL - held), baseline: POOL }],
    );
  } finally {
    await worker.kill();
  }
};

/**
 * Looks every 50 ms: for at most 6 s until all attempts are in flight, then for half a second at the connections that
 * are held. An idle connection that is taken from the pool is not visible. But if each attempt held one, the attempts
 * could not all be in flight.
 */
async function watch(receiver: Receiver, databaseUrl: string) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const until = Date.now() + 6_000;
    let inFlight = 0;
    while (inFlight < CALLBACKS && Date.now() < until) {
      inFlight = (await receiver.report()).peakOpen;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    let held = 0;
    for (let look = 0; look < 10 && (await receiver.report()).open > 0; look += 1) {
      held = Math.max(held, await connectionsHeld(client));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return { inFlight, held };
  } finally {
    await client.end();
  }
}

async function connectionsHeld(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ held: number }>(
    `SELECT count(*)::int AS held FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'service-callbacks' AND state <> 'idle'
       AND xact_start < clock_timestamp() - $1 * interval '1 millisecond'`,
    [HELD_MS],
  );
  return rows[0]?.held ?? 0;
}
