import { BenchProducer } from '../../producer.js';
import { rowOf, type Pair } from '../../row.js';
import { WorkerProcess } from '../../worker-process.js';
import { interleave, type Scenario, type ScenarioContext } from '../scenario.js';

const OPEN_MS = 5_000;
const BACKLOG = 500;
/** Down for longer than the circuit takes to open and to be probed once, ms. */
const DOWN_MS = 8_000;

/** An endpoint that was down with a backlog behind it: from its return to its first callback. */
export const recovery: Scenario = async function* (context) {
  const pairs = await interleave(context, async (round): Promise<Pair> => {
    const waited = await untilFirst(context);
    context.say(`  round ${round + 1}, recovery to first callback: ${waited.toFixed(0)} ms`);
    return { subject: waited, baseline: OPEN_MS + 1_000 };
  });
  yield rowOf(
    {
      scenario: 'isolation',
      backend: context.options.backend,
      row: "from an endpoint's recovery to its first callback / circuit open time + 1 s",
      unit: 'ms',
      bar: { atMost: 1 },
      settings: { CALLBACK_CIRCUIT_OPEN_MS: OPEN_MS, backlog: BACKLOG, downMs: DOWN_MS },
    },
    pairs,
  );
};

async function untilFirst({ lab, options }: ScenarioContext): Promise<number> {
  const stores = await lab.fresh();
  const producer = await BenchProducer.start(options.backend, stores);
  const serviceId = await producer.register(`${lab.receiver.url}/ok/switched`);
  const worker = await WorkerProcess.start('service', options.backend, stores, {
    CALLBACK_CIRCUIT_OPEN_MS: String(OPEN_MS),
    CALLBACK_RETRY_DELAY_MS: '1000',
    CALLBACK_RETRY_MAX_DELAY_MS: '1000',
  });
  try {
    lab.receiver.reset();
    lab.receiver.break(true);
    await producer.sendMany([serviceId], BACKLOG);
    await new Promise((resolve) => setTimeout(resolve, DOWN_MS));
    const recoveredAt = performance.now();
    lab.receiver.break(false);
    await lab.receiver.arrivals(1, 60_000);
    return performance.now() - recoveredAt;
  } finally {
    lab.receiver.break(false);
    await worker.kill();
    await producer.stop();
  }
}
