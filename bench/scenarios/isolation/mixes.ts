import { play, poissonArrivals, type Arrival } from '../../arrivals.js';
import { BenchProducer } from '../../producer.js';
import { FLOOR_MS } from './floor.js';
import { rowOf, type Bar, type Pair, type Row } from '../../row.js';
import { percentile } from '../../statistics.js';
import { WorkerProcess } from '../../worker-process.js';
import { inTurn, interleave, type Scenario, type ScenarioContext } from '../scenario.js';

const DEADLINE_MS = 5_000;

interface Mix {
  readonly row: string;
  readonly badShare: number;
  readonly badEndpoints: number;
  readonly badPath: string;
  /** How long a bad endpoint takes for an attempt, ms. */
  readonly heldMs: number;
  readonly bar: Bar;
}

const MIXES: readonly Mix[] = [
  {
    row: 'healthy p99, 10 % hanging',
    badShare: 0.1,
    badEndpoints: 1,
    badPath: '/hang',
    heldMs: DEADLINE_MS,
    bar: { atMost: 1.25 },
  },
  {
    row: 'healthy p99, 30 % hanging',
    badShare: 0.3,
    badEndpoints: 10,
    badPath: '/hang',
    heldMs: DEADLINE_MS,
    bar: { atMost: 1.5 },
  },
  {
    row: 'healthy p99, 90 % hanging on 100 endpoints',
    badShare: 0.9,
    badEndpoints: 100,
    badPath: '/hang',
    heldMs: DEADLINE_MS,
    bar: { atMost: 2 },
  },
  {
    row: 'healthy p99, 30 % slow 200 (4 s)',
    badShare: 0.3,
    badEndpoints: 10,
    badPath: '/slow/4000',
    heldMs: 4_000,
    bar: { atMost: 1.5 },
  },
];

const HEALTHY_ENDPOINTS = 20;
/** How long only healthy endpoints get the rate before the measurement, s: Node compiles code that has run a while. */
const WARM_UP = { full: 15, quick: 1 } as const;

/**
 * The delay from the intended moment to the arrival at healthy receivers: with bad endpoints in the mix, and with as
 * many callbacks of healthy endpoints only.
 */
export const mixes: Scenario = (context) =>
  inTurn(
    context,
    Object.fromEntries(
      MIXES.map((mix): [string, Scenario] => [
        mix.row,
        async function* () {
          yield await mixRow(context, mix);
        },
      ]),
    ),
  );

async function mixRow(context: ScenarioContext, mix: Mix): Promise<Row> {
  // The bad endpoints get four times the permits: a pool that is large enough would show nothing.
  const { rate } = context.options;
  const offeredBadLoad = (rate * mix.badShare * mix.heldMs) / 1_000;
  const concurrency = Math.max(8, Math.floor(offeredBadLoad / 4));
  const seconds = context.options.quick ? 3 : 30;
  const settings = {
    ratePerSecond: rate,
    seconds,
    seed: context.options.seed,
    CALLBACK_CONCURRENCY: concurrency,
    offeredBadLoad,
    floorMs: FLOOR_MS,
  };
  const pairs = await interleave(context, async (round): Promise<Pair> => {
    const seed = context.options.seed + round;
    const p99 = (of: Mix) => healthyP99(context, of, concurrency, seconds, seed);
    const baseline = await p99({ ...mix, badShare: 0 });
    const subject = await p99(mix);
    context.say(
      `  round ${round + 1}, ${mix.row}: ${subject.toFixed(1)} ms, all healthy: ${baseline.toFixed(1)} ms`,
    );
    return { subject: Math.max(FLOOR_MS, subject), baseline: Math.max(FLOOR_MS, baseline) };
  });
  return rowOf(
    {
      scenario: 'isolation',
      backend: context.options.backend,
      row: `${mix.row} / as many, all healthy`,
      unit: 'ms',
      bar: mix.bar,
      settings,
    },
    pairs,
  );
}

/** Both have the same arrivals. */
async function healthyP99(
  { lab, options }: ScenarioContext,
  mix: Mix,
  concurrency: number,
  seconds: number,
  seed: number,
): Promise<number> {
  const stores = await lab.fresh();
  const environment = {
    CALLBACK_CONCURRENCY: String(concurrency),
    CALLBACK_TIMEOUT_MS: String(DEADLINE_MS),
  };
  const producer = await BenchProducer.start(options.backend, stores, environment);
  const healthy = await Promise.all(
    range(HEALTHY_ENDPOINTS).map((n) => producer.register(`${lab.receiver.url}/ok/${n}`)),
  );
  const bad = await Promise.all(
    range(mix.badEndpoints).map((n) => producer.register(`${lab.receiver.url}${mix.badPath}/${n}`)),
  );
  const worker = await WorkerProcess.start('service', options.backend, stores, environment);
  const extraSeconds = options.quick ? 3 : 30;
  const delaysOf = async (arrivals: readonly Arrival[], lastsSeconds: number): Promise<number[]> => {
    lab.receiver.reset();
    const wanted = arrivals.filter((arrival) => !arrival.bad).length;
    const longest = (lastsSeconds + extraSeconds) * 1_000;
    const arrived = lab.receiver.arrivals(wanted, longest);
    await play(arrivals, async ({ bad: isBad, pick }, intendedAt) => {
      const services = isBad ? bad : healthy;
      const serviceId = services[Math.floor(pick * services.length)];
      if (serviceId !== undefined) await producer.send(serviceId, intendedAt);
    });
    await arrived;
    const { delays } = await lab.receiver.report();
    // A callback that has not arrived by now counts with the longest delay.
    return [...delays, ...Array.from({ length: wanted - delays.length }, () => longest)];
  };
  try {
    const warmUp = options.quick ? WARM_UP.quick : WARM_UP.full;
    await delaysOf(poissonArrivals(options.rate, warmUp, 0, seed + 1_000), warmUp);
    const measured = poissonArrivals(options.rate, seconds, mix.badShare, seed);
    return percentile(await delaysOf(measured, seconds), 99);
  } finally {
    await worker.kill();
    await producer.stop();
  }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
