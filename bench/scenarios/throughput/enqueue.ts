import { randomBytes, randomUUID } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { BenchProducer } from '../../producer.js';
import { rowOf, type Pair } from '../../row.js';
import { median } from '../../statistics.js';
import { interleave, type Scenario } from '../scenario.js';

/** About as many bytes as the sealed payload of one callback, as base64. */
const PAYLOAD_BYTES = 630;
const MAX_STATEMENTS = 2;

/** The cost of a callback in a caller's transaction, beside a transaction that stores as many bytes in one table. */
export const enqueue: Scenario = async function* (context) {
  const { lab, options, say } = context;
  const calls = options.quick ? 200 : 2_000;
  const producer = await BenchProducer.start(options.backend, await lab.fresh());
  try {
    const { dataSource } = producer;
    const serviceId = await producer.register(`${lab.receiver.url}/ok`);
    await dataSource.query(
      `CREATE TABLE bench_bare (id uuid PRIMARY KEY, service_id text NOT NULL, subject_id text NOT NULL,
         url text NOT NULL, queued_at timestamptz NOT NULL, payload text NOT NULL)`,
    );
    const payload = randomBytes(PAYLOAD_BYTES).toString('base64url');
    const inTransaction = (work: (manager: EntityManager) => Promise<unknown>): Promise<number> =>
      timed(() => dataSource.transaction(work));
    const send = () => inTransaction((manager) => producer.sendWith(manager, serviceId));
    const insert = () =>
      inTransaction((manager) =>
        manager.query('INSERT INTO bench_bare VALUES ($1, $2, $3, $4, now(), $5)', [
          randomUUID(),
          serviceId,
          randomUUID(),
          `${lab.receiver.url}/ok`,
          payload,
        ]),
      );
    for (let call = 0; call < calls / 4; call += 1) await send().then(insert);
    const facts = { scenario: 'throughput', backend: options.backend, settings: { calls } } as const;
    yield rowOf(
      { ...facts, row: 'enqueue: statements', unit: 'statements', bar: { atMost: MAX_STATEMENTS } },
      [{ subject: await statementsOf(producer, serviceId), baseline: 1 }],
    );
    const pairs = await interleave(context, async (round): Promise<Pair> => {
      const [subject, baseline]: [number[], number[]] = [[], []];
      for (let call = 0; call < calls; call += 1) {
        subject.push(await send());
        baseline.push(await insert());
      }
      say(
        `  round ${round + 1}, enqueue: ${median(subject).toFixed(2)} ms, bare: ${median(baseline).toFixed(2)} ms`,
      );
      return { subject: median(subject), baseline: median(baseline) };
    });
    yield rowOf(
      {
        ...facts,
        row: 'enqueue: time with its COMMIT / a bare INSERT of the same bytes with its COMMIT',
        unit: 'ms',
        bar: { atMost: 2 },
      },
      pairs,
    );
  } finally {
    await producer.stop();
  }
};

/** The statements on the caller's connection between BEGIN and COMMIT. */
async function statementsOf(producer: BenchProducer, serviceId: string): Promise<number> {
  const queryRunner = producer.dataSource.createQueryRunner();
  try {
    await queryRunner.startTransaction();
    const query = queryRunner.query.bind(queryRunner) as (...args: unknown[]) => Promise<unknown>;
    let statements = 0;
    queryRunner.query = ((...args: unknown[]) => {
      statements += 1;
      return query(...args);
    }) as typeof queryRunner.query;
    await producer.sendWith(queryRunner.manager, serviceId);
    queryRunner.query = query as typeof queryRunner.query;
    await queryRunner.commitTransaction();
    return statements;
  } finally {
    await queryRunner.release();
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
