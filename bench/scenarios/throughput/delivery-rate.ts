import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { BASELINE_QUEUE, type BaselineJob } from '../../baseline-jobs.js';
import type { Stores } from '../../lab.js';
import type { BackendName } from '../../options.js';
import { BenchProducer } from '../../producer.js';
import { rowOf, type Bar, type Pair } from '../../row.js';
import { defaultsOf } from '../../../src/config/setting.js';
import { queueTiming } from '../../../src/config/settings.js';
import { PostgresQueueBackend } from '../../../src/service-callbacks/queues/postgres-queue-backend.js';
import { RedisQueueBackend } from '../../../src/service-callbacks/queues/redis-queue-backend.js';
import { storeCpuSeconds } from '../../process-usage.js';
import { WorkerProcess, type WorkerKind } from '../../worker-process.js';
import { interleave, type Scenario, type ScenarioContext } from '../scenario.js';

/** Callbacks per second, and per CPU-second of the worker and of worker and stores together. */
interface Rate {
  readonly perSecond: number;
  readonly perCpuSecond: number;
  readonly perTotalCpuSecond: number;
  readonly counted: number;
}

type Figure = 'perSecond' | 'perCpuSecond' | 'perTotalCpuSecond';

const UNITS: Readonly<Record<Figure, string>> = {
  perSecond: 'callbacks per second',
  perCpuSecond: 'callbacks per CPU-second of the worker',
  perTotalCpuSecond: 'callbacks per CPU-second of worker, relay and stores',
};

interface Subject {
  readonly name: string;
  readonly kind: WorkerKind;
  readonly environment: Readonly<Record<string, string>>;
}

/** The same for all except the plain worker, which has the usual settings. */
const CONCURRENCY = { most: '500', 'plain-axios': '50' } as const;

const SUBJECTS = {
  httpService: {
    name: 'full path, HttpService',
    kind: 'service',
    environment: { CALLBACK_TRANSPORT: 'http-service', CALLBACK_CONCURRENCY: CONCURRENCY.most },
  },
  undici: {
    name: 'full path, undici',
    kind: 'service',
    environment: { CALLBACK_TRANSPORT: 'undici', CALLBACK_CONCURRENCY: CONCURRENCY.most },
  },
  axios: {
    name: 'plain BullMQ + axios',
    kind: 'plain-axios',
    environment: { CALLBACK_CONCURRENCY: CONCURRENCY['plain-axios'] },
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
  figure: Figure;
  subject: SubjectName;
  baseline: SubjectName;
  /** Absent for a row that only explains others. */
  bars?: Record<BackendName, Bar>;
}[] = [
  {
    row: 'delivery rate, full path through undici / plain BullMQ + axios',
    figure: 'perSecond',
    subject: 'undici',
    baseline: 'axios',
    bars: { postgres: { atLeast: 3.5 }, redis: { atLeast: 1.5 } },
  },
  {
    row: 'delivery rate, full path through HttpService / plain BullMQ + axios',
    figure: 'perSecond',
    subject: 'httpService',
    baseline: 'axios',
    bars: { postgres: { atLeast: 2.5 }, redis: { atLeast: 1.1 } },
  },
  {
    row: 'per CPU-second of all processes, full path through undici / plain BullMQ + axios',
    figure: 'perTotalCpuSecond',
    subject: 'undici',
    baseline: 'axios',
    bars: { postgres: { atLeast: 3.5 }, redis: { atLeast: 1.3 } },
  },
  {
    row: 'per CPU-second of the worker, full path through undici / undici alone',
    figure: 'perCpuSecond',
    subject: 'undici',
    baseline: 'undiciAlone',
  },
];

/** Endpoints that the service's callbacks go to. */
const ENDPOINTS = 10;

/** How many are counted after a warm-up, so that a full run does not measure Node's warm-up. */
function loadOf({ options }: ScenarioContext) {
  if (!options.quick) return { warmUp: 5_000, counted: options.callbacks, timeoutMs: 600_000 };
  return { warmUp: 1_500, counted: 6_000, timeoutMs: 8_000 };
}

/** The delivery rate of one worker process with a full queue, for every subject in turn. */
export const deliveryRate: Scenario = async function* (context) {
  const rounds = await interleave(context, async (round) => {
    const rates = {} as Record<SubjectName, Rate>;
    for (const name of Object.keys(SUBJECTS) as SubjectName[]) {
      rates[name] = await measure(context, SUBJECTS[name]);
      context.say(
        `  round ${round + 1}, ${SUBJECTS[name].name}: ${rates[name].perSecond.toFixed(0)}/s, ` +
          `${rates[name].perCpuSecond.toFixed(0)} per CPU-second of the worker, ` +
          `${rates[name].perTotalCpuSecond.toFixed(0)} of all`,
      );
    }
    return rates;
  });
  for (const { row, figure, subject, baseline, bars } of ROWS)
    yield rowOf(
      {
        scenario: 'throughput',
        backend: context.options.backend,
        row,
        unit: UNITS[figure],
        bar: bars?.[context.options.backend],
        settings: {
          counted: rounds[0]?.[subject].counted,
          subject: SUBJECTS[subject].environment,
          baseline: SUBJECTS[baseline].environment,
        },
      },
      rounds.map((rates): Pair => ({ subject: rates[subject][figure], baseline: rates[baseline][figure] })),
    );
};

async function measure(context: ScenarioContext, { kind, environment }: Subject): Promise<Rate> {
  const { lab, options } = context;
  const { warmUp, counted, timeoutMs } = loadOf(context);
  const stores = await lab.fresh();
  const work = await prepare(context, stores, kind, warmUp + counted);
  lab.receiver.reset();
  const worker = await WorkerProcess.start(kind, options.backend, stores, { ...environment, ...work });
  const look = async () => ({
    worker: worker.usage().cpuSeconds,
    stores: storeCpuSeconds(),
    at: performance.now(),
    done: (await lab.receiver.report()).arrivals.mass,
  });
  try {
    await lab.receiver.arrivals(warmUp, timeoutMs, 'mass');
    const before = await look();
    await lab.receiver.arrivals(warmUp + counted, timeoutMs, 'mass');
    const after = await look();
    const delivered = after.done - before.done;
    const workerSeconds = after.worker - before.worker;
    return {
      perCpuSecond: delivered / workerSeconds,
      perTotalCpuSecond: delivered / (workerSeconds + after.stores - before.stores),
      perSecond: (delivered / (after.at - before.at)) * 1_000,
      counted: delivered,
    };
  } finally {
    await worker.kill();
  }
}

/**
 * Creates the schema and, for the service, the callbacks, before the worker starts.
 * @returns further settings of the worker
 */
async function prepare(
  context: ScenarioContext,
  stores: Stores,
  kind: WorkerKind,
  count: number,
): Promise<Record<string, string>> {
  const url = `${context.lab.receiver.url}/mass`;
  const job: BaselineJob = {
    url,
    token: 'a-bearer-token',
    body: JSON.stringify({ reference: '1', filler: 'x'.repeat(560) }),
  };
  // It is stopped before it has sent all of them.
  if (kind === 'undici-alone') return { BENCH_JOB: JSON.stringify(job), BENCH_COUNT: String(2 * count) };

  const producer = await BenchProducer.start(context.options.backend, stores);
  if (kind === 'service') {
    const urls = Array.from({ length: ENDPOINTS }, (_, n) => `${url}/${n}`);
    await producer.sendMany(await Promise.all(urls.map((each) => producer.register(each))), count);
  } else await preloadBaseline(context, stores, job, count);
  await producer.stop();
  return {};
}

async function preloadBaseline(
  { options }: ScenarioContext,
  stores: Stores,
  job: BaselineJob,
  count: number,
): Promise<void> {
  const timing = defaultsOf(queueTiming);
  const backend =
    options.backend === 'redis'
      ? new RedisQueueBackend({ ...timing, connect: (own) => new Redis(stores.redisUrl ?? '', own) })
      : new PostgresQueueBackend({
          ...timing,
          pool: { connectionString: stores.databaseUrl },
          migrate: true,
        });
  await backend.open();
  const queue = backend.createQueue(BASELINE_QUEUE);
  for (let start = 0; start < count; start += 1_000) {
    const jobs = Array.from({ length: Math.min(1_000, count - start) }, () => ({
      name: 'callback',
      data: job,
      opts: { jobId: randomUUID(), removeOnComplete: true, removeOnFail: true },
    }));
    await queue.addBulk(jobs);
  }
  await queue.close();
  await backend.close();
}
