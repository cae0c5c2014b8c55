import type { BenchProducer } from '../../producer.js';
import { rowOf, type Pair } from '../../row.js';
import { interleave, type Scenario } from '../scenario.js';
import { backlogRate } from './backlog-rate.js';

const QUEUED = 30_000;
const COUNTED = 20_000;
const FEW = 10;
const MANY = [1_000, 10_000];
/** Registrations at one time. */
const TOGETHER = 50;

/**
 * The same backlog, for more endpoints, each with its permits and its circuit. They have one origin: the cost of
 * connections is not measured.
 */
export const manyEndpoints: Scenario = async function* (context) {
  const { options, lab, say } = context;
  const rateWith = (endpoints: number) =>
    backlogRate(context, COUNTED, async (producer) => {
      await producer.sendMany(await registered(producer, lab.receiver.url, endpoints), QUEUED);
    });
  const rounds = await interleave(context, async (round) => {
    const few = (await rateWith(FEW)).perSecond;
    const many: Pair[] = [];
    for (const endpoints of MANY)
      many.push({ subject: (await rateWith(endpoints)).perSecond, baseline: few });
    const rates = many.map(({ subject }, index) => `${subject.toFixed(0)}/s with ${MANY[index]}`);
    say(`  round ${round + 1}: ${rates.join(', ')}, ${few.toFixed(0)}/s with ${FEW} endpoints`);
    return many;
  });
  for (const [index, endpoints] of MANY.entries())
    yield rowOf(
      {
        scenario: 'growth',
        backend: options.backend,
        row: `rate, ${endpoints.toLocaleString('en-GB')} endpoints / ${FEW}`,
        unit: 'callbacks/s',
        bar: { atLeast: 0.75 },
        settings: { endpoints, queued: QUEUED, counted: COUNTED },
      },
      rounds.flatMap((many) => many[index] ?? []),
    );
};

async function registered(producer: BenchProducer, url: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let start = 0; start < count; start += TOGETHER) {
    const urls = Array.from(
      { length: Math.min(TOGETHER, count - start) },
      (_, n) => `${url}/mass/${start + n}`,
    );
    ids.push(...(await Promise.all(urls.map((each) => producer.register(each)))));
  }
  return ids;
}
