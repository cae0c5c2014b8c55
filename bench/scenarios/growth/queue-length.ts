import { rowOf, type Pair } from '../../row.js';
import { interleave, type Scenario } from '../scenario.js';
import { backlogRate } from './backlog-rate.js';
import { MEMORY_BAR_MIB } from './memory-bar.js';

/** Three times as many pending callbacks, all for one endpoint. */
export const queueLength: Scenario = async function* (context) {
  const { options, lab, say } = context;
  const sizes = options.quick ? { short: 2_000, long: 6_000 } : { short: 100_000, long: 300_000 };
  const counted = options.quick ? 1_500 : 20_000;
  const rateWith = (queued: number) =>
    backlogRate(context, counted, async (producer) => {
      const serviceId = await producer.register(`${lab.receiver.url}/mass`);
      await producer.sendMany([serviceId], queued);
    });
  let memory = 0;
  const pairs = await interleave(context, async (round): Promise<Pair> => {
    const short = await rateWith(sizes.short);
    const long = await rateWith(sizes.long);
    memory = Math.max(memory, long.peakRssMiB);
    say(
      `  round ${round + 1}: ${long.perSecond.toFixed(0)}/s with ${sizes.long} pending, ` +
        `${short.perSecond.toFixed(0)}/s with ${sizes.short}; ${long.peakRssMiB.toFixed(0)} MiB`,
    );
    return { subject: long.perSecond, baseline: short.perSecond };
  });
  const facts = { scenario: 'growth', backend: options.backend } as const;
  yield rowOf(
    {
      ...facts,
      row: 'rate, 300,000 pending / 100,000',
      unit: 'callbacks/s',
      bar: { atLeast: 0.95 },
      settings: { ...sizes, counted },
    },
    pairs,
  );
  yield rowOf(
    {
      ...facts,
      row: 'memory of a worker, 300,000 pending / 400 MiB',
      unit: 'MiB',
      bar: { atMost: 1 },
      settings: sizes,
    },
    [{ subject: memory, baseline: MEMORY_BAR_MIB }],
  );
};
