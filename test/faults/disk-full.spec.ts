import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startBench, type Bench } from '../support/faults/bench.js';
import { startLoad } from '../support/faults/load.js';
import { canMount } from '../support/faults/small-disk.js';
import { FAULT_TIMEOUT_MS, inFull } from '../support/faults/variant.js';

const OUTAGE_MS = inFull(10_000, 1_500);
/** An empty cluster, its write-ahead log, and some room. */
const DISK_MEGABYTES = 192;

const canHaveDisk = canMount();
if (!canHaveDisk) process.stderr.write('Skipped: a full disk (this user may not mount one)\n');

(canHaveDisk ? describe : describe.skip)('a database whose disk is full', () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await startBench({
      ownStores: true,
      role: 'all',
      diskMegabytes: DISK_MEGABYTES,
      // A server that cannot write its log ends: that is the fault "PostgreSQL restarted".
      postgresSettings: { wal_init_zero: 'on', min_wal_size: '64MB', max_wal_size: '64MB' },
    });
  }, FAULT_TIMEOUT_MS);

  afterAll(async () => {
    await bench.close();
  }, FAULT_TIMEOUT_MS);

  it(
    'responds with errors, loses nothing it accepted, and recovers by itself',
    async () => {
      const disk = bench.postgres?.disk;
      const load = await startLoad(bench.api, bench.receiver, { path: '/disk-full' });
      await load.more(10);
      await disk?.fill();
      await load.refusals(5);
      await sleep(OUTAGE_MS);
      await disk?.free();
      const back = performance.now();
      await load.more(10);
      await load.stop();
      const report = await load.report(`disk full for ${OUTAGE_MS} ms`, back);
      expect(report.lost).toEqual([]);
      expect(report.firstDeliveryMs).toBeLessThan(5_000);
    },
    FAULT_TIMEOUT_MS,
  );
});
