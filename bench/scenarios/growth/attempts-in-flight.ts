import { BenchProducer } from '../../producer.js';
import { rowOf } from '../../row.js';
import { WorkerProcess } from '../../worker-process.js';
import type { Scenario } from '../scenario.js';
import { MEMORY_BAR_MIB } from './memory-bar.js';

const ENDPOINTS = 100;

/** All endpoints hang: the sockets, timers and payloads of every attempt are in memory at once. */
export const attemptsInFlight: Scenario = async function* ({ lab, options, say }) {
  const attempts = options.quick ? 300 : 2_000;
  const stores = await lab.fresh();
  const producer = await BenchProducer.start(options.backend, stores);
  const services = await Promise.all(
    Array.from({ length: ENDPOINTS }, (_, n) => producer.register(`${lab.receiver.url}/hang/${n}`)),
  );
  lab.receiver.reset();
  const worker = await WorkerProcess.start('service', options.backend, stores, {
    // Endpoints that have not responded leave five sixteenths of the permits free.
    CALLBACK_CONCURRENCY: '3000',
    CALLBACK_TIMEOUT_MS: '30000',
  });
  try {
    await producer.sendMany(services, attempts);
    const until = Date.now() + (options.quick ? 2_000 : 25_000);
    let held = 0;
    while (held < attempts && Date.now() < until) {
      held = (await lab.receiver.report()).peakOpen;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    if (held < attempts) throw new Error(`${held} of ${attempts} attempts were in flight together`);
    const { rssMiB } = worker.usage();
    say(`  ${held} attempts in flight: ${rssMiB.toFixed(0)} MiB`);
    yield rowOf(
      {
        scenario: 'growth',
        backend: options.backend,
        row: 'memory of a worker with attempts in flight / 400 MiB',
        unit: 'MiB',
        bar: { atMost: 1 },
        settings: { attemptsInFlight: held, endpoints: ENDPOINTS },
      },
      [{ subject: rssMiB, baseline: MEMORY_BAR_MIB }],
    );
  } finally {
    await worker.kill();
    await producer.stop();
  }
};
