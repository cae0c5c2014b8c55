import { BenchProducer } from '../../producer.js';
import { rowOf, type Pair } from '../../row.js';
import { percentile } from '../../statistics.js';
import { WorkerProcess } from '../../worker-process.js';
import { interleave, type Scenario, type ScenarioContext } from '../scenario.js';
import { FLOOR_MS } from './floor.js';

const FLOOD = 50_000;
const PROBES = 50;
/** So many that answer after 20 ms leave a core of this worker some room: a full CPU is a delay of its own. */
const CONCURRENCY = '40';

/** One service's flood in front of the queue: what it does to another's few, and what fairness costs the flood. */
export const fairness: Scenario = async function* (context) {
  const { options, say } = context;
  const facts = { scenario: 'isolation', backend: options.backend } as const;
  const probes = await interleave(context, async (round): Promise<Pair> => {
    const alone = await probeP99(context, 0);
    const behind = await probeP99(context, FLOOD);
    say(`  round ${round + 1}, one behind ${FLOOD}: ${behind.toFixed(1)} ms / ${alone.toFixed(1)} ms`);
    return { subject: Math.max(FLOOR_MS, behind), baseline: Math.max(FLOOR_MS, alone) };
  });
  yield rowOf(
    {
      ...facts,
      row: 'one callback behind 50,000 of another service / alone, p99',
      unit: 'ms',
      bar: { atMost: 2 },
      settings: { flood: FLOOD, probes: PROBES, floorMs: FLOOR_MS, CALLBACK_CONCURRENCY: CONCURRENCY },
    },
    probes,
  );
  const floods = await interleave(context, async (round): Promise<Pair> => {
    const withFairness = await floodSeconds(context, true);
    const without = await floodSeconds(context, false);
    say(`  round ${round + 1}, the ${FLOOD}: ${withFairness.toFixed(1)} s / ${without.toFixed(1)} s without`);
    return { subject: withFairness, baseline: without };
  });
  yield rowOf(
    {
      ...facts,
      row: 'the 50,000 themselves, time with fairness / without',
      unit: 's',
      bar: { atMost: 1.1 },
      settings: { flood: FLOOD },
    },
    floods,
  );
};

async function probeP99({ lab, options }: ScenarioContext, flood: number): Promise<number> {
  const stores = await lab.fresh();
  const producer = await BenchProducer.start(options.backend, stores);
  const big = await producer.register(`${lab.receiver.url}/slow/20`);
  const small = await producer.register(`${lab.receiver.url}/ok/small`);
  if (flood > 0) await producer.sendMany([big], flood);
  await producer.settle();
  const worker = await WorkerProcess.start('service', options.backend, stores, {
    CALLBACK_CONCURRENCY: CONCURRENCY,
  });
  try {
    lab.receiver.reset();
    await producer.sendMany([small], 20);
    await lab.receiver.arrivals(20, 10_000);
    lab.receiver.reset();
    for (let probe = 0; probe < PROBES; probe += 1) {
      const arrived = lab.receiver.arrivals(probe + 1, 30_000);
      await producer.send(small, performance.timeOrigin + performance.now());
      await arrived;
    }
    return percentile((await lab.receiver.report()).delays, 99);
  } finally {
    await worker.kill();
    await producer.stop();
  }
}

/** From the worker's start until the last of the flood has arrived. */
async function floodSeconds({ lab, options }: ScenarioContext, isFair: boolean): Promise<number> {
  const stores = await lab.fresh();
  const producer = await BenchProducer.start(options.backend, stores, { isFair });
  const serviceId = await producer.register(`${lab.receiver.url}/ok`);
  await producer.sendMany([serviceId], FLOOD);
  await producer.settle();
  await producer.stop();
  lab.receiver.reset();
  const startedAt = performance.now();
  const worker = await WorkerProcess.start('service', options.backend, stores, {});
  try {
    await lab.receiver.arrivals(FLOOD, 600_000);
    return (performance.now() - startedAt) / 1_000;
  } finally {
    await worker.kill();
  }
}
