import { rowOf, type Pair } from '../../row.js';
import { interleave, type Scenario } from '../scenario.js';
import { backlogRate } from './backlog-rate.js';
import { MEMORY_BAR_MIB } from './memory-bar.js';

/** Callbacks put into the queue together. */
const BATCH = 10_000;

/** A queue three times as long, all of one endpoint. */
export const queueLength: Scenario = async function* (context) {
  const { options, lab, say } = context;
  const sizes = options.quick ? { short: 300, long: 900 } : { short: 100_000, long: 300_000 };
  const counted = options.quick ? 200 : 20_000;
  const rateWith = (queued: number) =>
    backlogRate(context, counted, async (producer) => {
      const serviceId = await producer.register(`${lab.receiver.url}/ok`);
      for (let sent = 0; sent < queued; sent += BATCH)
        await producer.sendMany([serviceId], Math.min(BATCH, queued - sent));
    });
  let memory = 0;
  const pairs = await interleave(context, async (round): Promise<Pair> => {
    const short = await rateWith(sizes.short);
    const long = await rateWith(sizes.long);
    memory = Math.max(memory, long.peakRssMiB);
    say(
      `  round ${round + 1}: ${long.perSecond.toFixed(0)}/s with ${sizes.long} queued, ` +
        `${short.perSecond.toFixed(0)}/s with ${sizes.short}; ${long.peakRssMiB.toFixed(0)} MiB`,
    );
    return { subject: long.perSecond, baseline: short.perSecond };
  });
  const facts = { scenario: 'growth', backend: options.backend } as const;
  yield rowOf(
    {
      ...facts,
      row: 'rate with 300k queued / with 100k',
      unit: 'callbacks/s',
      bar: { atLeast: 0.95 },
      settings: { ...sizes, counted },
    },
    pairs,
  );
  yield rowOf(
    {
      ...facts,
      row: 'memory of a worker with 300k queued / 400 MiB',
      unit: 'MiB',
      bar: { atMost: 1 },
      settings: sizes,
    },
    [{ subject: memory, baseline: MEMORY_BAR_MIB }],
  );
};
