import { setTimeout as sleep } from 'node:timers/promises';
import { Deployment, releaseIn, THIS_RELEASE } from '../../deployment.js';
import { rowOf, type Pair } from '../../row.js';
import { median } from '../../statistics.js';
import { interleave, type Scenario, type ScenarioContext } from '../scenario.js';

/** Between two callbacks, so that each finds all processes idle, ms. */
const BETWEEN_MS = { min: 100, max: 600 } as const;

/**
 * From the response to a receipt, whose callback has committed, to the callback's arrival, while nothing else happens.
 */
export const loneCallback: Scenario = async function* (context) {
  const { lab, options, say } = context;
  const count = options.quick ? 12 : 100;
  const ours = await Deployment.start(THIS_RELEASE, options.backend, lab);
  const theirs =
    options.against === undefined
      ? undefined
      : await Deployment.start(releaseIn(options.against), options.backend, lab);
  try {
    const delayOf = [await prepare(context, ours), ...(theirs ? [await prepare(context, theirs)] : [])];
    const pairs = await interleave(context, async (round): Promise<Pair> => {
      const delays = delayOf.map((): number[] => []);
      for (let sent = 0; sent < count; sent += 1)
        for (const [side, measure] of delayOf.entries()) delays[side]?.push(await measure());
      const [subject = Number.NaN, baseline = subject] = delays.map(median);
      say(
        `  round ${round + 1}, a lone callback: ${delays.map((each) => median(each).toFixed(1)).join(' / ')} ms`,
      );
      return { subject, baseline };
    });
    yield rowOf(
      {
        scenario: 'throughput',
        backend: options.backend,
        row: `a lone callback, commit to arrival, p50${theirs ? ' / the release it is compared with' : ''}`,
        unit: 'ms',
        bar: theirs && { atMost: 1.5 },
        settings: { callbacks: count, against: options.against },
      },
      pairs,
    );
  } finally {
    await ours.stop();
    await theirs?.stop();
  }
};

/** @returns a function that measures one callback, ms */
async function prepare({ lab }: ScenarioContext, deployment: Deployment): Promise<() => Promise<number>> {
  const serviceId = await deployment.register(`${lab.receiver.url}/mass`);
  const measure = async (): Promise<number> => {
    const id = await deployment.notify(serviceId);
    await sleep(BETWEEN_MS.min + Math.random() * (BETWEEN_MS.max - BETWEEN_MS.min));
    lab.receiver.reset();
    const arrived = lab.receiver.arrivals(1, 30_000, 'mass');
    await deployment.receipt(id);
    const committedAt = performance.timeOrigin + performance.now();
    await arrived;
    return Math.max(0, (await lab.receiver.report()).lastAt - committedAt);
  };
  for (let sent = 0; sent < 10; sent += 1) await measure();
  return measure;
}
