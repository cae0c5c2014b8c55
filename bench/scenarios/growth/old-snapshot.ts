import { setTimeout as sleep } from 'node:timers/promises';
import { BenchProducer } from '../../producer.js';
import { rowOf, type Row } from '../../row.js';
import { percentile } from '../../statistics.js';
import { WorkerProcess } from '../../worker-process.js';
import type { Scenario, ScenarioContext } from '../scenario.js';

/** Where the queue is: in the database of the host's transaction, or in one of its own. */
const DEPLOYMENTS = [
  { name: '', hasOwnDatabase: false },
  { name: ', the queue in a database of its own', hasOwnDatabase: true },
] as const;

/**
 * A transaction of the host stays open, so PostgreSQL removes nothing that has changed since, and the relay must not
 * read all of it. Measures a take at the end of the transaction and one before it, at the same rate of callbacks.
 */
export const oldSnapshot: Scenario = async function* (context) {
  if (context.options.backend !== 'postgres') return;
  for (const deployment of DEPLOYMENTS) yield await measure(context, deployment);
};

async function measure(
  { lab, options, say }: ScenarioContext,
  { name, hasOwnDatabase }: (typeof DEPLOYMENTS)[number],
): Promise<Row> {
  const seconds = options.quick ? { without: 4, open: 10 } : { without: 60, open: 600 };
  const passed = options.quick ? 2_000 : 100_000;
  const perSecond = passed / seconds.open;
  const stores = await lab.fresh();
  const own: Record<string, string> = hasOwnDatabase
    ? { QUEUE_DATABASE_URL: (await lab.fresh()).databaseUrl }
    : {};
  const producer = await BenchProducer.start(options.backend, stores, own);
  const worker = await WorkerProcess.start('service', options.backend, stores, own);
  const snapshot = producer.dataSource.createQueryRunner();
  try {
    const serviceId = await producer.register(`${lab.receiver.url}/mass`);
    let takes: number[] = [];
    producer.onTake((ms) => takes.push(ms));
    const sendFor = async (forSeconds: number): Promise<void> => {
      const until = performance.now() + forSeconds * 1_000;
      for (let due = performance.now(); due < until; due += 1_000 / perSecond) {
        await sleep(Math.max(0, due - performance.now()));
        await producer.send(serviceId);
      }
    };
    await sendFor(seconds.without / 2);
    takes = [];
    await sendFor(seconds.without);
    const baseline = percentile(takes, 99);
    await snapshot.startTransaction('REPEATABLE READ');
    await snapshot.query('SELECT count(*) FROM service_callbacks');
    await sendFor(seconds.open - seconds.without);
    takes = [];
    await sendFor(seconds.without);
    const subject = percentile(takes, 99);
    say(
      `  the relay's take${name}: ${subject.toFixed(1)} ms with an old snapshot, ${baseline.toFixed(1)} ms without`,
    );
    return rowOf(
      {
        scenario: 'growth',
        backend: options.backend,
        row: `the relay's take, a transaction open for ten minutes and 100,000 passed through${name} / without, p99`,
        unit: 'ms',
        bar: { atMost: 3 },
        settings: { passed, openSeconds: seconds.open, takes: takes.length },
      },
      [{ subject, baseline }],
    );
  } finally {
    await snapshot.rollbackTransaction().catch(() => undefined);
    await snapshot.release();
    await worker.kill();
    await producer.stop();
  }
}
