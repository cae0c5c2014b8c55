import { expect, it } from '@jest/globals';
import type { HostileLoad } from '../support/hostile-load.js';
import { runCommand } from '../support/run-command.js';

/** Figures on a quiet machine are in docs/security.md; these hold on a busy one. */
const LIMITS = { memoryMiB: 80, loopMs: 100, healthyMs: 2_500 } as const;

it('200 hostile endpoints at once take neither memory nor the event loop, and make no other callback late', async () => {
  const { code, stdout, stderr } = await runCommand('test/support/hostile-load.ts', {});
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });

  const load = JSON.parse(stdout) as HostileLoad;

  expect(load.memoryMiB).toBeLessThan(LIMITS.memoryMiB);
  expect(load.loopP99Ms - load.idleLoopP99Ms).toBeLessThan(LIMITS.loopMs);
  expect(load.healthyFailures).toBe(0);
  expect(load.healthyMaxMs).toBeLessThan(LIMITS.healthyMs);
  const known = ['timeout', 'connection_reset', 'delivered', 'invalid_response'];
  expect(Object.keys(load.outcomes).filter((name) => !known.includes(name))).toEqual([]);
}, 120_000);
