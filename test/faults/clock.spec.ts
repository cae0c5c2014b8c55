import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startBench, type Bench } from '../support/faults/bench.js';
import { startLoad } from '../support/faults/load.js';
import type { ServiceProcess } from '../support/faults/service-process.js';
import { FAULT_TIMEOUT_MS, inFull } from '../support/faults/variant.js';
import { allFinished } from '../support/queue-state.js';
import { delay } from '../support/receiver.js';

const TWO_HOURS_MS = 7_200_000;
const SKEWED_CLOCK = join(import.meta.dirname, '..', 'support', 'faults', 'skewed-clock.mjs');

/** The service in this process is the worker whose clock is right. */
describe('the clock of one worker', () => {
  let bench: Bench;
  let skewed: ServiceProcess;

  beforeAll(async () => {
    bench = await startBench({ role: 'all' });
    const skews = [TWO_HOURS_MS, 0, -TWO_HOURS_MS, 0];
    [skewed] = (await bench.processes(1, { CLOCK_SKEW_MS: skews.join(',') }, [SKEWED_CLOCK])) as [
      ServiceProcess,
    ];
  }, FAULT_TIMEOUT_MS);

  afterAll(async () => {
    await bench.close();
  }, FAULT_TIMEOUT_MS);

  const deliveredBySkewed = () => skewed.logs.events('callback.delivered').length;

  async function expectNoJobsTaken(path: string, direction: string): Promise<void> {
    bench.receiver.respond(path, delay(100));
    await allFinished(bench.api);
    const taken = deliveredBySkewed();
    const load = await startLoad(bench.api, bench.receiver, { path });
    await load.more(inFull(500, 30));
    await load.stop();
    const report = await load.report(`one worker’s clock two hours ${direction}`);
    expect({ lost: report.lost, repeated: report.repeated }).toEqual({ lost: [], repeated: 0 });
    expect(deliveredBySkewed()).toBe(taken);
    expect(bench.api.logs.events('callback.retrying')).toEqual([]);
    expect(bench.api.logs.events('callback.stalled')).toEqual([]);
    const { status, body } = await skewed.call('GET', '/health/ready');
    expect(status).toBe(503);
    expect(JSON.stringify(body)).toContain(direction);
  }

  it(
    'two hours ahead from the start: it takes no jobs, says why, and disturbs no other worker',
    async () => {
      await skewed.logs.waitFor('worker.clock_skewed');
      await expectNoJobsTaken('/ahead', 'ahead');
      expect(deliveredBySkewed()).toBe(0);
    },
    FAULT_TIMEOUT_MS,
  );

  it(
    'corrected: it takes jobs; set back two hours: it stops',
    async () => {
      skewed.signal('SIGUSR2');
      const load = await startLoad(bench.api, bench.receiver, { path: '/right', everyMs: 5 });
      await skewed.logs.waitFor('callback.delivered', {}, { timeoutMs: FAULT_TIMEOUT_MS / 2 });
      await load.stop();
      expect((await load.report('one worker’s clock set right')).lost).toEqual([]);
      skewed.signal('SIGUSR2');
      await skewed.logs.waitFor('worker.clock_skewed', {}, { count: 2, timeoutMs: FAULT_TIMEOUT_MS / 2 });
      await expectNoJobsTaken('/behind', 'behind');
    },
    FAULT_TIMEOUT_MS,
  );
});
