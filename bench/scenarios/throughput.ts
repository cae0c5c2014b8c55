import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { BASELINE_QUEUE, baselineJob, type BaselineJob } from '../baseline-jobs.js';
import type { Stores } from '../lab.js';
import type { BackendName } from '../options.js';
import { BenchProducer } from '../producer.js';
import type { Receiver } from '../receiver.js';
import { rowOf, type Bar, type Pair } from '../row.js';
import { PostgresQueueBackend } from '../../src/queues/postgres-queue-backend.js';
import { RedisQueueBackend } from '../../src/queues/redis-queue-backend.js';
import { WorkerProcess, type WorkerKind } from '../worker-process.js';
import { interleave, type Scenario, type ScenarioContext } from './scenario.js';

/** Callbacks per CPU-second of the worker, and per second. */
interface Rate {
  readonly perCpuSecond: number;
  readonly perSecond: number;
  readonly counted: number;
}

interface Subject {
  readonly name: string;
  readonly kind: WorkerKind;
  readonly environment: Readonly<Record<string, string>>;
}

/** The same for all but the plain worker, which has what most are given. */
const CONCURRENCY = { most: '500', 'plain-axios': '50' } as const;

const SUBJECTS = {
  httpService: {
    name: 'full path, HttpService',
    kind: 'service',
    environment: {
      CALLBACK_TRANSPORT: 'http-service',
      CALLBACK_CONCURRENCY: CONCURRENCY.most,
      CALLBACK_DELIVERY_LOG: 'off',
    },
  },
  undici: {
    name: 'full path, undici',
    kind: 'service',
    environment: {
      CALLBACK_TRANSPORT: 'undici',
      CALLBACK_CONCURRENCY: CONCURRENCY.most,
      CALLBACK_DELIVERY_LOG: 'off',
    },
  },
  undiciWithLog: {
    name: 'full path, undici, delivery log of all',
    kind: 'service',
    environment: {
      CALLBACK_TRANSPORT: 'undici',
      CALLBACK_CONCURRENCY: CONCURRENCY.most,
      CALLBACK_DELIVERY_LOG: 'all',
    },
  },
  bareUndici: {
    name: 'bare BullMQ + undici',
    kind: 'bare-undici',
    environment: { CALLBACK_CONCURRENCY: CONCURRENCY.most },
  },
  axios: {
    name: 'plain BullMQ + axios',
    kind: 'plain-axios',
    environment: { CALLBACK_CONCURRENCY: CONCURRENCY['plain-axios'] },
  },
  noop: {
    name: 'BullMQ doing nothing',
    kind: 'noop',
    environment: { CALLBACK_CONCURRENCY: CONCURRENCY.most },
  },
  undiciAlone: {
    name: 'undici alone',
    kind: 'undici-alone',
    environment: { CALLBACK_CONCURRENCY: CONCURRENCY.most },
  },
} as const satisfies Record<string, Subject>;

type SubjectName = keyof typeof SUBJECTS;

const ROWS: readonly {
  row: string;
  subject: SubjectName;
  baseline: SubjectName;
  /** None where the row is there to explain the others. */
  bars?: Record<BackendName, Bar>;
}[] = [
  {
    row: 'full path through HttpService / bare BullMQ + undici',
    subject: 'httpService',
    baseline: 'bareUndici',
    bars: { postgres: { atLeast: 0.6 }, redis: { atLeast: 0.5 } },
  },
  {
    row: 'full path through undici / bare BullMQ + undici',
    subject: 'undici',
    baseline: 'bareUndici',
    bars: { postgres: { atLeast: 0.8 }, redis: { atLeast: 0.75 } },
  },
  {
    row: 'full path through HttpService / plain BullMQ + axios',
    subject: 'httpService',
    baseline: 'axios',
    bars: { postgres: { atLeast: 1.15 }, redis: { atLeast: 1.15 } },
  },
  {
    row: 'full path through undici / plain BullMQ + axios',
    subject: 'undici',
    baseline: 'axios',
    bars: { postgres: { atLeast: 1.4 }, redis: { atLeast: 1.6 } },
  },
  {
    row: 'delivery log: all / off, through undici',
    subject: 'undiciWithLog',
    baseline: 'undici',
    bars: { postgres: { atLeast: 0.9 }, redis: { atLeast: 0.9 } },
  },
  { row: 'bare BullMQ + undici / plain BullMQ + axios', subject: 'bareUndici', baseline: 'axios' },
  { row: 'bare BullMQ + undici / BullMQ doing nothing', subject: 'bareUndici', baseline: 'noop' },
  { row: 'bare BullMQ + undici / undici alone', subject: 'bareUndici', baseline: 'undiciAlone' },
];

/** What a quick run has time for. */
const QUICK_SUBJECTS: readonly SubjectName[] = ['httpService', 'bareUndici', 'axios'];

/** How many are counted after a warm-up: a full run's figures are not Node's warm-up. */
function loadOf({ options }: ScenarioContext) {
  if (!options.quick) return { warmUp: 5_000, counted: options.callbacks, timeoutMs: 600_000 };
  return { warmUp: 200, counted: options.backend === 'redis' ? 4_000 : 800, timeoutMs: 2_500 };
}

/** Delivery rate of one worker process with its queue full, every subject in turn. */
export const throughput: Scenario = async function* (context) {
  const subjects = context.options.quick ? QUICK_SUBJECTS : (Object.keys(SUBJECTS) as SubjectName[]);
  const rounds = await interleave(context, async (round) => {
    const rates = {} as Record<SubjectName, Rate>;
    for (const name of subjects) {
      rates[name] = await measure(context, SUBJECTS[name]);
      context.say(
        `  round ${round + 1}, ${SUBJECTS[name].name}: ${rates[name].perSecond.toFixed(0)}/s, ` +
          `${rates[name].perCpuSecond.toFixed(0)} per CPU-second`,
      );
    }
    return rates;
  });
  const rows = ROWS.filter((row) => subjects.includes(row.subject) && subjects.includes(row.baseline));
  for (const { row, subject, baseline, bars } of rows)
    yield rowOf(
      {
        scenario: 'throughput',
        backend: context.options.backend,
        row,
        unit: 'callbacks per CPU-second of the worker',
        bar: bars?.[context.options.backend],
        settings: {
          counted: rounds[0]?.[subject].counted,
          subject: SUBJECTS[subject].environment,
          baseline: SUBJECTS[baseline].environment,
          perSecond: rounds.map((rates) => Math.round(rates[subject].perSecond)),
        },
      },
      rounds.map((rates): Pair => ({
        subject: rates[subject].perCpuSecond,
        baseline: rates[baseline].perCpuSecond,
      })),
    );
};

async function measure(context: ScenarioContext, { kind, environment }: Subject): Promise<Rate> {
  const { lab, options } = context;
  const { warmUp, counted, timeoutMs } = loadOf(context);
  const stores = await lab.fresh();
  const work = await prepare(context, stores, kind, warmUp + counted);
  lab.receiver.reset();
  const worker = await WorkerProcess.start(kind, options.backend, stores, { ...environment, ...work });
  const counter = kind === 'noop' ? worker : countedBy(lab.receiver);
  try {
    await counter.reach(warmUp, timeoutMs);
    const before = { ...worker.usage(), at: performance.now(), done: await counter.done() };
    await counter.reach(warmUp + counted, timeoutMs);
    const after = { ...worker.usage(), at: performance.now(), done: await counter.done() };
    const delivered = after.done - before.done;
    return {
      perCpuSecond: delivered / (after.cpuSeconds - before.cpuSeconds),
      perSecond: (delivered / (after.at - before.at)) * 1_000,
      counted: delivered,
    };
  } finally {
    await worker.kill();
  }
}

function countedBy(receiver: Receiver) {
  return {
    reach: (count: number, timeoutMs: number) => receiver.arrivals(count, timeoutMs),
    done: async () => (await receiver.report()).delays.length,
  };
}

/** The schema and, for the service, the callbacks are there before the worker is. @returns what else it is told */
async function prepare(
  context: ScenarioContext,
  stores: Stores,
  kind: WorkerKind,
  count: number,
): Promise<Record<string, string>> {
  const url = `${context.lab.receiver.url}/ok`;
  const job: BaselineJob = {
    url,
    token: 'a-bearer-token',
    body: JSON.stringify({ reference: '1', filler: 'x'.repeat(560) }),
  };
  // It is stopped before it has sent all of them.
  if (kind === 'undici-alone') return { BENCH_JOB: JSON.stringify(job), BENCH_COUNT: String(2 * count) };

  const producer = await BenchProducer.start(context.options.backend, stores);
  if (kind === 'service') await producer.sendMany([await producer.register(url)], count);
  else await preloadBaseline(context, stores, job, count);
  await producer.settle();
  await producer.stop();
  return {};
}

async function preloadBaseline(
  { options }: ScenarioContext,
  stores: Stores,
  job: BaselineJob,
  count: number,
): Promise<void> {
  const jobs = Array.from({ length: count }, () => baselineJob(randomUUID(), job));
  const backend =
    options.backend === 'redis'
      ? new RedisQueueBackend({ connect: (own) => new Redis(stores.redisUrl ?? '', own) })
      : new PostgresQueueBackend({ pool: { connectionString: stores.databaseUrl }, migrate: true });
  await backend.open();
  const queue = backend.createQueue(BASELINE_QUEUE);
  for (let start = 0; start < jobs.length; start += 1_000) {
    await queue.addBulk(
      jobs.slice(start, start + 1_000).map(({ name, data, options: opts }) => ({ name, data, opts })),
    );
  }
  await queue.close();
  await backend.close();
}
