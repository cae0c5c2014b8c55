/**
 * A process that calls 200 hostile endpoints at once, and healthy ones meanwhile, and reports its memory and delays:
 * `node --import ./test/support/register-typescript.mjs test/support/hostile-load.ts`. The endpoints run in
 * processes of their own (hostile-endpoints.ts), so that what is measured is the client's.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { clientUnderTest } from './callback-client.js';

const ENDPOINTS = 200;
const ROUNDS = 2;
const TIMEOUT_MS = 5_000;
const MB = 1024 * 1024;

export interface HostileLoad {
  readonly attempts: number;
  /** Growth of the resident set, from before to its highest, MiB. */
  readonly memoryMiB: number;
  /** 99th percentile of the event loop's delay, ms; `idle` is that of the same process without work. */
  readonly loopP99Ms: number;
  readonly idleLoopP99Ms: number;
  /** The slowest of the healthy callbacks meanwhile, ms. */
  readonly healthyMaxMs: number;
  readonly healthy: number;
  readonly healthyFailures: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

const hostileEndpoints = startEndpoints('hostile');
const healthyEndpoints = startEndpoints('healthy');
const [[hostile], [[healthy = 0]]] = await Promise.all([
  once(hostileEndpoints, 'message') as Promise<[number[]]>,
  once(healthyEndpoints, 'message') as Promise<[number[]]>,
]);
const { client, wire } = clientUnderTest({ timeoutMs: TIMEOUT_MS });
const send = (port: number) =>
  client.send({
    id: 'an-id',
    url: `http://127.0.0.1:${port}/`,
    bearerToken: 'a-token',
    signingSecrets: ['whsec_c2VjcmV0'],
    body: '{}',
  });

// Warms the process up: with as many healthy callbacks at once, and with each kind of hostile one.
for (let n = 0; n < 20; n += 1) await Promise.all(Array.from({ length: ENDPOINTS }, () => send(healthy)));
await Promise.all(hostile.map(send));
// Garbage of loading TypeScript must not be measured.
collectGarbage();
const idle = await loopP99(() => sleep(1_000));
const memoryBefore = process.memoryUsage().rss;
let memoryHighest = memoryBefore;
const watch = setInterval(() => {
  memoryHighest = Math.max(memoryHighest, process.memoryUsage().rss);
}, 20);

const outcomes: Record<string, number> = {};
let healthyMaxMs = 0;
let healthyCount = 0;
let healthyFailures = 0;
const loopP99Ms = await loopP99(async () => {
  const load = callHostile();
  const over = load.then(() => true);
  // The healthy ones are called until the hostile ones are done with.
  for (let isOver = false; !isOver; isOver = await Promise.race([over, sleep(10, false)])) {
    const { kind, durationMs } = await send(healthy);
    if (kind !== 'delivered') healthyFailures += 1;
    healthyMaxMs = Math.max(healthyMaxMs, durationMs);
    healthyCount += 1;
  }
  await load;
});
clearInterval(watch);

const result: HostileLoad = {
  attempts: ENDPOINTS * ROUNDS,
  memoryMiB: (memoryHighest - memoryBefore) / MB,
  loopP99Ms,
  idleLoopP99Ms: idle,
  healthyMaxMs,
  healthy: healthyCount,
  healthyFailures,
  outcomes,
};
console.log(JSON.stringify(result));
await wire.close();
hostileEndpoints.disconnect();
healthyEndpoints.disconnect();

async function callHostile(): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const ports = Array.from({ length: ENDPOINTS }, (_, n) => hostile[n % hostile.length] ?? 0);
    for (const outcome of await Promise.all(ports.map(send))) {
      const name =
        outcome.kind === 'delivered'
          ? 'delivered'
          : (outcome.failure.error ?? `${outcome.failure.statusCode}`);
      outcomes[name] = (outcomes[name] ?? 0) + 1;
    }
  }
}

/** `--expose-gc`, for a process that was not started with it. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** In another process, because this one's event loop is measured. */
function startEndpoints(kind: string): ChildProcess {
  return fork(join(import.meta.dirname, 'hostile-endpoints.ts'), [kind], {
    execArgv: ['--import', join(import.meta.dirname, 'register-typescript.mjs')],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

/** The 99th percentile of the event loop's delay during the work, ms. */
async function loopP99(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await work();
  delay.disable();
  return delay.percentile(99) / 1e6;
}
