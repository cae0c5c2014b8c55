import { Deployment, releaseIn, THIS_RELEASE } from '../../deployment.js';
import { rowOf, type Pair } from '../../row.js';
import { interleave, type Scenario, type ScenarioContext } from '../scenario.js';

const CALLERS = 16;

/** Receipts a second through REST. Each causes a callback, which the worker delivers meanwhile. */
export const receipts: Scenario = async function* (context) {
  const { lab, options, say } = context;
  const count = options.quick ? 500 : 10_000;
  const ours = await Deployment.start(THIS_RELEASE, options.backend, lab);
  const theirs =
    options.against === undefined
      ? undefined
      : await Deployment.start(releaseIn(options.against), options.backend, lab);
  try {
    for (const deployment of [ours, theirs]) if (deployment) await perSecond(context, deployment, count / 5);
    const pairs = await interleave(context, async (round): Promise<Pair> => {
      const subject = await perSecond(context, ours, count);
      const baseline = theirs ? await perSecond(context, theirs, count) : subject;
      say(
        `  round ${round + 1}, receipts a second: ${subject.toFixed(0)}${theirs ? ` / ${baseline.toFixed(0)}` : ''}`,
      );
      return { subject, baseline };
    });
    yield rowOf(
      {
        scenario: 'throughput',
        backend: options.backend,
        row: `receipts a second through REST, ${CALLERS} callers${theirs ? ' / the release it is compared with' : ''}`,
        unit: 'receipts/s',
        bar: theirs && { atLeast: options.backend === 'postgres' ? 1.3 : 1.1 },
        settings: { receipts: count, callers: CALLERS, against: options.against },
      },
      pairs,
    );
  } finally {
    await ours.stop();
    await theirs?.stop();
  }
};

async function perSecond({ lab }: ScenarioContext, deployment: Deployment, count: number): Promise<number> {
  const serviceId = await deployment.register(`${lab.receiver.url}/mass`);
  const ids: string[] = [];
  await byCallers(count, async () => void ids.push(await deployment.notify(serviceId)));
  lab.receiver.reset();
  const startedAt = performance.now();
  await byCallers(count, () => deployment.receipt(ids.pop() ?? ''));
  const seconds = (performance.now() - startedAt) / 1_000;
  // Undelivered callbacks would run beside the other side's.
  await lab.receiver.arrivals(count, 120_000, 'mass');
  return count / seconds;
}

async function byCallers(count: number, call: () => Promise<void>): Promise<void> {
  let left = count;
  const caller = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await call();
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}
