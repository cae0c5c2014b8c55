import { BenchProducer } from '../../producer.js';
import { rowOf, type Pair } from '../../row.js';
import { percentile } from '../../statistics.js';
import { WorkerProcess } from '../../worker-process.js';
import { interleave, type Scenario, type ScenarioContext } from '../scenario.js';
import { FLOOR_MS } from './floor.js';

const PROBES = 50;
/** This many callbacks with responses after 20 ms leave spare CPU time: a full CPU would add a delay of its own. */
const ENVIRONMENT = { CALLBACK_CONCURRENCY: '40' };

/** What one service's flood does to the few callbacks of another. */
export const fairness: Scenario = async function* (context) {
  const { options, say } = context;
  const flood = options.quick ? 5_000 : 50_000;
  const probes = await interleave(context, async (round): Promise<Pair> => {
    const alone = await probeP99(context, 0);
    const behind = await probeP99(context, flood);
    say(`  round ${round + 1}, one behind ${flood}: ${behind.toFixed(1)} ms / ${alone.toFixed(1)} ms`);
    return { subject: Math.max(FLOOR_MS, behind), baseline: Math.max(FLOOR_MS, alone) };
  });
  yield rowOf(
    {
      scenario: 'isolation',
      backend: options.backend,
      row: 'one callback behind 50,000 of another service / alone, p99',
      unit: 'ms',
      bar: { atMost: 1.5 },
      settings: { flood, probes: PROBES, floorMs: FLOOR_MS, ...ENVIRONMENT },
    },
    probes,
  );
};

async function probeP99({ lab, options }: ScenarioContext, flood: number): Promise<number> {
  const stores = await lab.fresh();
  const producer = await BenchProducer.start(options.backend, stores, ENVIRONMENT);
  const big = await producer.register(`${lab.receiver.url}/slow/20`);
  const small = await producer.register(`${lab.receiver.url}/ok/small`);
  if (flood > 0) await producer.sendMany([big], flood);
  const worker = await WorkerProcess.start('service', options.backend, stores, ENVIRONMENT);
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
