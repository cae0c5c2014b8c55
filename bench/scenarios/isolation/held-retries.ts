import type { Stores } from '../../lab.js';
import { BenchProducer } from '../../producer.js';
import { rowOf, type Pair } from '../../row.js';
import { percentile } from '../../statistics.js';
import { WorkerProcess } from '../../worker-process.js';
import { interleave, type Scenario, type ScenarioContext } from '../scenario.js';

const RETRIED = 400;
/** A single endpoint would fail too often in a row, and its circuit would open. */
const FLAKY = 40;
/** Sent together. */
const BATCH = 10;
/** A short retry delay, so that lateness is visible beside it, ms. */
const RETRY_DELAY_MS = 100;

interface Side {
  readonly producer: BenchProducer;
  readonly stores: Stores;
  /** Their endpoints respond with 503 to the first attempt of each callback. */
  readonly flaky: readonly string[];
}

/**
 * Retries of healthy endpoints, from the failed attempt to the next one, while many callbacks of a dead endpoint are
 * held.
 */
export const heldRetries: Scenario = async function* (context) {
  const { options, say } = context;
  const held = options.quick ? 2_000 : 100_000;
  const without = await side(context);
  const behind = await side(context);
  await holdMany(context, behind, held);
  const pairs = await interleave(context, async (round): Promise<Pair> => {
    const baseline = await retryP99(context, without);
    const subject = await retryP99(context, behind);
    say(
      `  round ${round + 1}, retries beside ${held} held: ${subject.toFixed(0)} / ${baseline.toFixed(0)} ms`,
    );
    return { subject, baseline };
  });
  await behind.producer.stop();
  await without.producer.stop();
  yield rowOf(
    {
      scenario: 'isolation',
      backend: options.backend,
      row: 'retry delay p99 of the others, 100,000 held / without',
      unit: 'ms',
      bar: { atMost: 1.2 },
      settings: { held, retried: RETRIED, CALLBACK_RETRY_DELAY_MS: RETRY_DELAY_MS },
    },
    pairs,
  );
};

async function side({ lab, options }: ScenarioContext): Promise<Side> {
  const stores = await lab.fresh();
  const producer = await BenchProducer.start(options.backend, stores);
  const urls = Array.from({ length: FLAKY }, (_, n) => `${lab.receiver.url}/flaky/${n}`);
  return { stores, producer, flaky: await Promise.all(urls.map((url) => producer.register(url))) };
}

function startWorker({ options }: ScenarioContext, { stores }: Side): Promise<WorkerProcess> {
  return WorkerProcess.start('service', options.backend, stores, {
    CALLBACK_RETRY_DELAY_MS: String(RETRY_DELAY_MS),
    CALLBACK_CIRCUIT_OPEN_MS: '30000',
  });
}

/** Makes a dead endpoint, with a worker that puts it on hold. */
async function holdMany(context: ScenarioContext, to: Side, count: number): Promise<void> {
  const dead = await to.producer.register(`${context.lab.receiver.url}/dead`);
  await to.producer.sendMany([dead], count);
  const worker = await startWorker(context, to);
  // Callbacks whose attempts opened the circuit are scheduled, and are held when they are due.
  await to.producer.untilHeld(count);
  await worker.kill();
}

async function retryP99(context: ScenarioContext, on: Side): Promise<number> {
  const { lab } = context;
  const worker = await startWorker(context, on);
  try {
    // A warm-up, then the measurement, at a rate that is no flood.
    for (const count of [RETRIED / 4, RETRIED]) {
      lab.receiver.reset();
      for (let sent = 0; sent < count; sent += BATCH) {
        const first = sent % FLAKY;
        await on.producer.sendMany(on.flaky.slice(first, first + BATCH), BATCH);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await lab.receiver.arrivals(count, 60_000, 'flaky');
    }
    return percentile((await lab.receiver.report()).delays, 99);
  } finally {
    await worker.kill();
  }
}
