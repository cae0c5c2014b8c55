import { setTimeout as sleep } from 'node:timers/promises';
import { BenchProducer } from '../../producer.js';
import { storeCpuSeconds } from '../../process-usage.js';
import { rowOf, type Pair } from '../../row.js';
import { percentile } from '../../statistics.js';
import { WorkerProcess } from '../../worker-process.js';
import { FLOOR_MS } from '../isolation/floor.js';
import { interleave, type Scenario, type ScenarioContext } from '../scenario.js';

const OPEN_MS = 5_000;
/** How long they may take to arrive, ms. */
const MAX_WAIT_MS = 900_000;
/** How long nothing happens while they are held, ms. */
const IDLE_MS = { full: 30_000, quick: 5_000 } as const;
const HEALTHY_ENDPOINTS = 20;
/** The callbacks of others, which must not fill the machine. */
const HEALTHY_PER_SECOND = 50;
const ENVIRONMENT = {
  CALLBACK_TRANSPORT: 'undici',
  CALLBACK_CIRCUIT_OPEN_MS: String(OPEN_MS),
  CALLBACK_RETRY_DELAY_MS: '1000',
  CALLBACK_RETRY_MAX_DELAY_MS: '1000',
};

/** How fast many callbacks of one service arrived, and callbacks of others meanwhile. */
interface Passage {
  /** From the first arrival to the last, ms. */
  readonly lastedMs: number;
  /** For the others meanwhile: from the intended moment to the arrival, ms. */
  readonly healthyP99: number;
}

interface Recovery extends Passage {
  /** From the endpoint's return to its first callback, and the interval of its probes at that time, ms. */
  readonly toFirstMs: number;
  readonly probeIntervalMs: number;
  /** CPU of all processes while nothing happens, a share of one core. */
  readonly idleShare: number;
}

/** An endpoint was down, with many held callbacks: what they cost while they are held, and their release. */
export const held: Scenario = async function* (context) {
  const { options, say } = context;
  const count = options.quick ? 3_000 : options.callbacks;
  const rounds = await interleave(context, async (round) => {
    const ordinary = await deliver(context, count);
    const recovery = await recover(context, count);
    say(
      `  round ${round + 1}, ${count} held: ${(100 * recovery.idleShare).toFixed(2)} % of a core; first after ` +
        `${recovery.toFirstMs.toFixed(0)} ms (interval ${recovery.probeIntervalMs.toFixed(0)} ms), all after ` +
        `${recovery.lastedMs.toFixed(0)} ms, others' p99 ${recovery.healthyP99.toFixed(1)} ms; ordinary ones: ` +
        `${ordinary.lastedMs.toFixed(0)} ms, others' p99 ${ordinary.healthyP99.toFixed(1)} ms`,
    );
    return { ordinary, recovery };
  });
  const facts = {
    scenario: 'recovery',
    backend: options.backend,
    settings: { held: count, ...ENVIRONMENT },
  } as const;
  const pairs = (pair: (round: (typeof rounds)[number]) => Pair): Pair[] => rounds.map(pair);
  yield rowOf(
    {
      ...facts,
      row: 'CPU of all processes while 100,000 are held / 2 % of a core',
      unit: 'share of a core',
      bar: { atMost: 1 },
    },
    pairs(({ recovery }) => ({ subject: recovery.idleShare, baseline: 0.02 })),
  );
  yield rowOf(
    {
      ...facts,
      row: 'recovery of 100,000 held: first successful probe to last arrival / as many ordinary ones',
      unit: 'ms',
      bar: { atMost: 2 },
    },
    pairs(({ recovery, ordinary }) => ({ subject: recovery.lastedMs, baseline: ordinary.lastedMs })),
  );
  yield rowOf(
    {
      ...facts,
      row: 'recovery of the endpoint to the first probe / probe interval + 1 s',
      unit: 'ms',
      bar: { atMost: 1 },
    },
    pairs(({ recovery }) => ({ subject: recovery.toFirstMs, baseline: recovery.probeIntervalMs + 1_000 })),
  );
  yield rowOf(
    {
      ...facts,
      row: 'healthy p99 of the others during recovery / beside as many ordinary callbacks of another service',
      unit: 'ms',
      bar: { atMost: 1.5 },
    },
    pairs(({ recovery, ordinary }) => ({
      subject: Math.max(FLOOR_MS, recovery.healthyP99),
      baseline: Math.max(FLOOR_MS, ordinary.healthyP99),
    })),
  );
};

/** Delivers as many ordinary callbacks, after the same warm-up. */
async function deliver(context: ScenarioContext, count: number): Promise<Passage> {
  const { lab, options } = context;
  const stores = await lab.fresh();
  const producer = await BenchProducer.start(options.backend, stores);
  const serviceId = await producer.register(`${lab.receiver.url}/mass`);
  const others = await registerOthers(context, producer);
  const warmUp = Math.ceil(count / 10);
  await producer.sendMany([serviceId], warmUp + count);
  lab.receiver.reset();
  const worker = await WorkerProcess.start('service', options.backend, stores, ENVIRONMENT);
  try {
    return await pass(context, producer, others, warmUp, count);
  } finally {
    await worker.kill();
    await producer.stop();
  }
}

async function recover(context: ScenarioContext, count: number): Promise<Recovery> {
  const { lab, options } = context;
  const stores = await lab.fresh();
  const producer = await BenchProducer.start(options.backend, stores);
  const serviceId = await producer.register(`${lab.receiver.url}/mass`);
  const others = await registerOthers(context, producer);
  lab.receiver.reset();
  lab.receiver.break(true);
  const worker = await WorkerProcess.start('service', options.backend, stores, ENVIRONMENT);
  try {
    await producer.sendMany([serviceId], count);
    await producer.untilHeld(count);
    // Done now, so that PostgreSQL does not do it during the measurement.
    for (const statement of ['VACUUM ANALYZE', 'CHECKPOINT']) await producer.dataSource.query(statement);
    const idleShare = await idle(worker, options.quick ? IDLE_MS.quick : IDLE_MS.full);
    const { intervalMs: probeIntervalMs } = await producer.nextProbe();
    lab.receiver.break(false);
    const recoveredAt = performance.now();
    await lab.receiver.arrivals(1, 600_000, 'mass');
    const toFirstMs = performance.now() - recoveredAt;
    return {
      toFirstMs,
      probeIntervalMs,
      idleShare,
      ...(await pass(context, producer, others, 1, count - 1)),
    };
  } finally {
    lab.receiver.break(false);
    await worker.kill();
    await producer.stop();
  }
}

function registerOthers({ lab }: ScenarioContext, producer: BenchProducer): Promise<string[]> {
  return Promise.all(
    Array.from({ length: HEALTHY_ENDPOINTS }, (_, n) => producer.register(`${lab.receiver.url}/ok/${n}`)),
  );
}

/** CPU of the worker, the API in this process and the stores, a share of one core. */
async function idle(worker: WorkerProcess, ms: number): Promise<number> {
  const cpuSeconds = (): number => {
    const { user, system } = process.cpuUsage();
    return worker.usage().cpuSeconds + storeCpuSeconds() + (user + system) / 1e6;
  };
  const before = { cpu: cpuSeconds(), at: performance.now() };
  await sleep(ms);
  return ((cpuSeconds() - before.cpu) * 1_000) / (performance.now() - before.at);
}

/** Measures from arrival number `before` until `count` more have arrived, with callbacks of others at a steady rate. */
async function pass(
  { lab }: ScenarioContext,
  producer: BenchProducer,
  others: readonly string[],
  before: number,
  count: number,
): Promise<Passage> {
  await lab.receiver.arrivals(before, MAX_WAIT_MS, 'mass');
  const startedAt = performance.now();
  const all = new AbortController();
  const sending = sendUntil(all.signal, producer, others);
  try {
    const areThere = await Promise.race([
      lab.receiver.arrivals(before + count, MAX_WAIT_MS, 'mass'),
      sending,
    ]);
    if (areThere !== true) throw new Error(`not all of ${count} arrived within 15 minutes`);
  } finally {
    all.abort();
  }
  const lastedMs = performance.now() - startedAt;
  const sent = await sending;
  // Those that are missing would be the slowest.
  if (!(await lab.receiver.arrivals(sent, 30_000)))
    throw new Error(`not all of ${sent} others arrived in time`);
  return { lastedMs, healthyP99: percentile((await lab.receiver.report()).delays, 99) };
}

/** @returns how many were sent */
async function sendUntil(signal: AbortSignal, producer: BenchProducer, services: readonly string[]) {
  const running: Promise<void>[] = [];
  for (let due = performance.now(); !signal.aborted; due += 1_000 / HEALTHY_PER_SECOND) {
    await sleep(Math.max(0, due - performance.now()));
    const serviceId = services[running.length % services.length] ?? '';
    const sent = producer.send(serviceId, performance.timeOrigin + due);
    // `Promise.all` below throws the error; until then Node must not see it as unhandled.
    sent.catch(() => undefined);
    running.push(sent);
  }
  await Promise.all(running);
  return running.length;
}
