import { BenchProducer } from '../producer.js';
import { rowOf, type Pair, type Row } from '../row.js';
import { WorkerProcess } from '../worker-process.js';
import { interleave, type Scenario, type ScenarioContext } from './scenario.js';

const MEMORY_BAR_MIB = 400;

/** Whether a long queue, many endpoints or many attempts in flight make it slower or bigger. */
export const growth: Scenario = async (context) => {
  const sizes = context.options.quick ? { short: 300, long: 900 } : { short: 100_000, long: 300_000 };
  const counted = context.options.quick ? 200 : 20_000;
  let memory = 0;
  const pairs = await interleave(context, async (round): Promise<Pair> => {
    const short = await rateWith(context, sizes.short, counted);
    const long = await rateWith(context, sizes.long, counted);
    memory = Math.max(memory, long.peakRssMiB);
    context.say(
      `  round ${round + 1}: ${long.perSecond.toFixed(0)}/s with ${sizes.long} queued, ` +
        `${short.perSecond.toFixed(0)}/s with ${sizes.short}; ${long.peakRssMiB.toFixed(0)} MiB`,
    );
    return { subject: long.perSecond, baseline: short.perSecond };
  });
  const facts = { scenario: 'growth', backend: context.options.backend } as const;
  const inFlight = context.options.quick ? 300 : 1_500;
  return [
    rowOf(
      {
        ...facts,
        row: 'rate with 300k queued / with 100k',
        unit: 'callbacks/s',
        bar: { atLeast: 0.95 },
        settings: { ...sizes, counted },
      },
      pairs,
    ),
    rowOf(
      {
        ...facts,
        row: 'memory of a worker with 300k queued / 400 MiB',
        unit: 'MiB',
        bar: { atMost: 1 },
        settings: sizes,
      },
      [{ subject: memory, baseline: MEMORY_BAR_MIB }],
    ),
    await memoryInFlight(context, inFlight),
  ];
};

async function rateWith({ lab, options }: ScenarioContext, queued: number, counted: number) {
  const stores = await lab.fresh();
  const producer = await BenchProducer.start(options.backend, stores);
  const serviceId = await producer.register(`${lab.receiver.url}/ok`);
  for (let sent = 0; sent < queued; sent += 10_000) {
    await producer.sendMany(serviceId, Math.min(10_000, queued - sent));
  }
  await producer.settle();
  await producer.stop();
  lab.receiver.reset();
  const worker = await WorkerProcess.start('service', options.backend, stores, {});
  try {
    const warmUp = Math.floor(counted / 10);
    await lab.receiver.arrivals(warmUp, 60_000);
    const before = { seen: (await lab.receiver.report()).delays.length, at: performance.now() };
    await lab.receiver.arrivals(warmUp + counted, options.quick ? 2_000 : 300_000);
    const after = { seen: (await lab.receiver.report()).delays.length, at: performance.now() };
    const perSecond = ((after.seen - before.seen) / (after.at - before.at)) * 1_000;
    return { perSecond, peakRssMiB: worker.usage().peakRssMiB };
  } finally {
    await worker.kill();
  }
}

/** Many endpoints that all hang: sockets, timers and documents of every attempt are held at once. */
async function memoryInFlight({ lab, options, say }: ScenarioContext, attempts: number): Promise<Row> {
  const stores = await lab.fresh();
  const producer = await BenchProducer.start(options.backend, stores);
  const endpoints = 100;
  const services = await Promise.all(
    Array.from({ length: endpoints }, (_, n) => producer.register(`${lab.receiver.url}/hang/${n}`)),
  );
  lab.receiver.reset();
  const worker = await WorkerProcess.start('service', options.backend, stores, {
    CALLBACK_CONCURRENCY: '2500',
    CALLBACK_TIMEOUT_MS: '30000',
  });
  try {
    for (const serviceId of services) await producer.sendMany(serviceId, Math.ceil(attempts / endpoints));
    const until = Date.now() + (options.quick ? 2_000 : 30_000);
    let held = 0;
    while (held < attempts && Date.now() < until) {
      held = (await lab.receiver.report()).peakHeld;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const { rssMiB } = worker.usage();
    say(`  ${held} attempts in flight: ${rssMiB.toFixed(0)} MiB`);
    return rowOf(
      {
        scenario: 'growth',
        backend: options.backend,
        row: 'memory of a worker with attempts in flight / 400 MiB',
        unit: 'MiB',
        bar: { atMost: 1 },
        settings: { attemptsInFlight: held, endpoints },
      },
      [{ subject: rssMiB, baseline: MEMORY_BAR_MIB }],
    );
  } finally {
    await worker.kill();
    await producer.stop();
  }
}
