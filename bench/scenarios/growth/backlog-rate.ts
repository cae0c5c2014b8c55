import { BenchProducer } from '../../producer.js';
import { WorkerProcess } from '../../worker-process.js';
import type { ScenarioContext } from '../scenario.js';

export interface BacklogRate {
  readonly perSecond: number;
  /** The highest of the worker. */
  readonly peakRssMiB: number;
}

/** How fast one worker delivers the first `counted` callbacks of a backlog, after a tenth as many for its warm-up. */
export async function backlogRate(
  { lab, options }: ScenarioContext,
  counted: number,
  fill: (producer: BenchProducer) => Promise<void>,
): Promise<BacklogRate> {
  const stores = await lab.fresh();
  const producer = await BenchProducer.start(options.backend, stores);
  await fill(producer);
  await producer.stop();
  lab.receiver.reset();
  const worker = await WorkerProcess.start('service', options.backend, stores, {});
  try {
    const warmUp = Math.floor(counted / 10);
    await lab.receiver.arrivals(warmUp, options.quick ? 5_000 : 60_000, 'mass');
    const before = { seen: (await lab.receiver.report()).arrivals.mass, at: performance.now() };
    const areAll = await lab.receiver.arrivals(warmUp + counted, options.quick ? 10_000 : 300_000, 'mass');
    if (!areAll && !options.quick) throw new Error(`not all of ${warmUp + counted} arrived within 300 s`);
    const after = { seen: (await lab.receiver.report()).arrivals.mass, at: performance.now() };
    const perSecond = ((after.seen - before.seen) / (after.at - before.at)) * 1_000;
    return { perSecond, peakRssMiB: worker.usage().peakRssMiB };
  } finally {
    await worker.kill();
  }
}
