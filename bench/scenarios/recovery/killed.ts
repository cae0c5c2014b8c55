import { BenchProducer } from '../../producer.js';
import { rowOf, type Pair } from '../../row.js';
import { WorkerProcess } from '../../worker-process.js';
import { interleave, type Scenario, type ScenarioContext } from '../scenario.js';

/** The last results may not be written yet, ms. */
const UNWRITTEN_MS = 250;
const ENVIRONMENT = {
  CALLBACK_TRANSPORT: 'undici',
  CALLBACK_CONCURRENCY: '500',
  QUEUE_LOCK_DURATION_MS: '5000',
  QUEUE_STALLED_INTERVAL_MS: '2000',
};

/** A worker is killed in the middle of its work, and another one takes over: how many callbacks arrive twice. */
export const killed: Scenario = async function* (context) {
  const { options, say } = context;
  const count = options.quick ? 4_000 : 50_000;
  const pairs = await interleave(context, async (round): Promise<Pair> => {
    const { repeats, bound } = await killOne(context, count);
    say(`  round ${round + 1}, killed: ${repeats} repeats of at most ${bound}`);
    // The logarithm of 0 does not exist.
    return { subject: Math.max(1, repeats), baseline: Math.max(1, bound) };
  });
  yield rowOf(
    {
      scenario: 'recovery',
      backend: options.backend,
      row: 'repeats after SIGKILL of a worker / attempts in flight + what settled in the last 250 ms',
      unit: 'callbacks',
      bar: { atMost: 1 },
      settings: { callbacks: count, ...ENVIRONMENT },
    },
    pairs,
  );
};

async function killOne({ lab, options }: ScenarioContext, count: number) {
  const stores = await lab.fresh();
  const producer = await BenchProducer.start(options.backend, stores);
  await producer.sendMany([await producer.register(`${lab.receiver.url}/mass`)], count);
  await producer.stop();
  lab.receiver.reset();
  const first = await WorkerProcess.start('service', options.backend, stores, ENVIRONMENT);
  await lab.receiver.arrivals(count / 2, 120_000, 'mass');
  const { recent, open } = await lab.receiver.report(UNWRITTEN_MS);
  await first.kill();
  const second = await WorkerProcess.start('service', options.backend, stores, ENVIRONMENT);
  try {
    // Until each callback has arrived; repeats do not count.
    const until = Date.now() + 180_000;
    for (;;) {
      const { arrivals, repeats } = await lab.receiver.report();
      if (arrivals.mass - repeats >= count) return { repeats, bound: recent + open };
      if (Date.now() > until) throw new Error(`${count - arrivals.mass + repeats} callbacks did not arrive`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  } finally {
    await second.kill();
  }
}
