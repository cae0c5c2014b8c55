import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { v7 as uuidv7 } from 'uuid';
import { FiguresRepository } from '../../src/service-callbacks/reporting/figures.repository.js';
import { Maintenance } from '../../src/service-callbacks/operations/maintenance.js';
import { Replay } from '../../src/service-callbacks/replay/replay.js';
import { ReplayRunRepository } from '../../src/service-callbacks/replay/replay-run.repository.js';
import type { Disposition } from '../../src/service-callbacks/callbacks/state-machine.js';
import type { DeliveryLogOptions } from '../../src/service-callbacks/service-callbacks.options.js';
import { eventually } from '../support/eventually.js';
import { captureNestLogs, type NestLogLine } from '../support/nest-logs.js';
import { RecordStore, type StoredEndpoint } from '../support/record-store.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DELIVERED: Disposition = { kind: 'delivered' };
const GIVE_UP: Disposition = { kind: 'giveUp', reason: 'not_retried' };

interface Kept {
  readonly keep?: DeliveryLogOptions['keep'];
  readonly logDays?: number;
  readonly deadLetterDays?: number;
  readonly payloadDays?: number;
  readonly idempotencyHours?: number;
}

describe('the retention of callbacks', () => {
  let store: RecordStore;
  let endpoint: StoredEndpoint;
  let logs: NestLogLine[];

  beforeAll(async () => {
    store = await RecordStore.open();
  });

  beforeEach(async () => {
    logs = captureNestLogs();
    await store.clear();
    await store.dataSource.query('TRUNCATE service_callback_replays');
    endpoint = await store.endpoint();
  });

  afterAll(() => store.close());

  function maintenance(kept: Kept = {}): Maintenance {
    const { keep = 'all', logDays = 30, deadLetterDays = 30, payloadDays = 7, idempotencyHours = 24 } = kept;
    const { dataSource, callbacks } = store;
    return new Maintenance(
      dataSource,
      new ReplayRunRepository(dataSource),
      new Replay(dataSource, callbacks),
      new FiguresRepository(dataSource),
      { retentionDays: deadLetterDays, replaysPerSecond: 50 },
      { keep, retentionDays: logDays },
      { idempotencyHours, payloadDays },
    );
  }

  const tidy = (kept?: Kept) => maintenance(kept).tidy();

  /**
   * A callback that was queued, and finished, this long ago.
   * @returns its id
   */
  async function aged(ms: number, disposition?: Disposition, attempts = 1): Promise<string> {
    const at = Date.now() - ms;
    const id = uuidv7({ msecs: at });
    await store.pending(endpoint, { id, queued_at: at });
    await store.dataSource.query(
      `UPDATE service_callback_news SET sent_at = now() - $2 * interval '1 millisecond' WHERE callback_id = $1`,
      [id, ms],
    );
    if (!disposition) return id;
    const taken = (await store.take()).find((row) => row.id === id);
    await store.callbacks.settle([
      { id, endpointId: endpoint.id, batch: taken?.batch ?? '', generation: 0, disposition },
    ]);
    await store.change(
      id,
      `attempt_count = ${attempts}, finished_at = CASE WHEN finished_at IS NOT NULL THEN now() - ${ms} * interval '1 millisecond' END`,
    );
    return id;
  }

  const records = async () =>
    new Set(
      (await store.dataSource.query<{ id: string }[]>('SELECT id FROM service_callbacks')).map(
        ({ id }) => id,
      ),
    );

  const payloads = async () =>
    new Set(
      (await store.dataSource.query<{ id: string }[]>('SELECT id FROM service_callback_payloads')).map(
        ({ id }) => id,
      ),
    );

  describe('of news', () => {
    it('ends with the idempotency window: the same news is another callback then', async () => {
      const first = store.newCallback(endpoint);
      await store.callbacks.insert([first]);
      const again = () => store.newCallback(endpoint, { news_key: first.news_key });
      const sentAgo = (hours: number) =>
        store.dataSource.query(`UPDATE service_callback_news SET sent_at = now() - $1 * interval '1 hour'`, [
          hours,
        ]);
      await sentAgo(23.9);
      await tidy();
      const duplicate = again();
      expect((await store.callbacks.insert([duplicate])).get(duplicate.id)).toBe(first.id);
      await sentAgo(24.1);
      await tidy();
      const another = again();
      expect((await store.callbacks.insert([another])).get(another.id)).toBe(another.id);
      expect(await records()).toEqual(new Set([first.id, another.id]));
    });
  });

  describe('of payloads', () => {
    it('of delivered callbacks ends after CALLBACK_PAYLOAD_DAYS, and their records stay', async () => {
      const [old, young] = [await aged(7.1 * DAY_MS, DELIVERED), await aged(6.9 * DAY_MS, DELIVERED)];
      await tidy();
      expect(await payloads()).toEqual(new Set([young]));
      expect(await records()).toEqual(new Set([old, young]));
    });

    it('with 0 days ends with the delivery', async () => {
      const [delivered, givenUp] = [await aged(10, DELIVERED), await aged(10, GIVE_UP)];
      await tidy({ payloadDays: 0 });
      expect(await payloads()).toEqual(new Set([givenUp]));
      expect(await records()).toEqual(new Set([delivered, givenUp]));
    });

    it('of callbacks that were given up ends after CALLBACK_DEAD_LETTER_DAYS', async () => {
      const [old, young] = [await aged(30.1 * DAY_MS, GIVE_UP), await aged(29.9 * DAY_MS, GIVE_UP)];
      await tidy({ logDays: 60 });
      expect(await payloads()).toEqual(new Set([young]));
      expect((await store.row(old)).dismissed_at).toBeInstanceOf(Date);
      expect((await store.row(young)).dismissed_at).toBeNull();
    });

    it('of a replayed callback begins again when it is finished', async () => {
      const id = await aged(100 * DAY_MS, DELIVERED);
      await store.change(id, `finished_at = now() - interval '1 day'`);
      await tidy({ logDays: 365 });
      expect(await payloads()).toEqual(new Set([id]));
    });

    it('of open callbacks does not end, however old they are', async () => {
      const open = [
        await aged(400 * DAY_MS),
        await aged(400 * DAY_MS, { kind: 'retryAt', delayMs: HOUR_MS }),
        (await store.queued(endpoint)).id,
      ];
      await tidy({ payloadDays: 0, deadLetterDays: 1, logDays: 1 });
      expect(await payloads()).toEqual(new Set(open));
      expect(await records()).toEqual(new Set(open));
    });
  });

  describe('of records', () => {
    it('ends after CALLBACK_DELIVERY_LOG_DAYS, with their payload', async () => {
      const [old, young] = [await aged(30.1 * DAY_MS, DELIVERED), await aged(29.9 * DAY_MS, DELIVERED)];
      await tidy({ payloadDays: 100 });
      expect(await records()).toEqual(new Set([young]));
      expect(await payloads()).toEqual(new Set([young]));
      expect(old).not.toBe(young);
    });

    it('ends after CALLBACK_DEAD_LETTER_DAYS, if these are more', async () => {
      const id = await aged(40 * DAY_MS, GIVE_UP);
      await tidy({ deadLetterDays: 60 });
      expect(await records()).toEqual(new Set([id]));
      expect((await store.row(id)).dismissed_at).toBeNull();
      await tidy({ deadLetterDays: 30 });
      expect(await records()).toEqual(new Set());
    });

    it('keeps what was removed from the list of dead letters as long as the log', async () => {
      const [old, young] = [await aged(31 * DAY_MS, GIVE_UP), await aged(29 * DAY_MS, GIVE_UP)];
      for (const id of [old, young]) await store.change(id, 'dismissed_at = now()');
      await tidy();
      expect(await records()).toEqual(new Set([young]));
    });

    it('skips callbacks with a requested replay', async () => {
      const id = await aged(31 * DAY_MS, DELIVERED);
      await store.change(id, `replay_requested_at = now()`);
      await tidy();
      expect(await records()).toEqual(new Set([id]));
    });

    it.each([
      ['failures', (_one: string, retried: string, givenUp: string) => [retried, givenUp]],
      ['off', (_one: string, _retried: string, givenUp: string) => [givenUp]],
      ['all', (...all: string[]) => all],
    ] as const)(
      'with the log at %s ends for hidden callbacks after the idempotency window',
      async (keep, rest) => {
        const young = await aged(23 * HOUR_MS, DELIVERED);
        const one = await aged(25 * HOUR_MS, DELIVERED);
        const retried = await aged(25 * HOUR_MS, DELIVERED, 2);
        const givenUp = await aged(25 * HOUR_MS, GIVE_UP);
        await tidy({ keep });
        expect(await records()).toEqual(new Set([young, ...rest(one, retried, givenUp)]));
      },
    );
  });

  it('of replay runs ends with that of dead letters, that of holds a day after they were lifted', async () => {
    for (const days of [29, 31])
      await store.dataSource.query(
        `INSERT INTO service_callback_replays (id, total, requested_at) VALUES ($1, 1, now() - $2 * interval '1 day')`,
        [randomUUID(), days],
      );
    const endpoints = [endpoint, await store.endpoint(), await store.endpoint()];
    for (const { id } of endpoints) await store.holds.open(id, 'circuit_open', HOUR_MS, 0);
    for (const { id } of endpoints.slice(1)) await store.holds.lift(id);
    await store.holds.releaseDue();
    await store.dataSource.query(
      `UPDATE service_callback_holds SET lifted_at = now() - interval '25 hours' WHERE endpoint_id = $1`,
      [endpoints[2]?.id],
    );
    await tidy();
    expect(await store.dataSource.query('SELECT FROM service_callback_replays')).toHaveLength(1);
    expect(await store.dataSource.query('SELECT FROM service_callback_holds')).toHaveLength(2);
  });

  describe('continues', () => {
    /** Inserts given-up callbacks that are past their retention. */
    async function oldGivenUp(count: number): Promise<void> {
      const at = Date.now() - 31 * DAY_MS;
      await store.callbacks.insert(
        Array.from({ length: count }, () =>
          store.newCallback(endpoint, { id: uuidv7({ msecs: at }), queued_at: at }),
        ),
      );
      await store.callbacks.giveUpWaiting(endpoint.id, 'disabled', count);
      await store.dataSource.query(`UPDATE service_callbacks SET finished_at = now() - interval '31 days'`);
    }

    it('in statements of a thousand until nothing is left, in any number of processes', async () => {
      await oldGivenUp(2_500);
      const young = await aged(29 * DAY_MS, GIVE_UP);
      await Promise.all([tidy(), tidy(), tidy()]);
      // The next round deletes the rows that another process had locked.
      await tidy();
      expect(await records()).toEqual(new Set([young]));
      expect(await payloads()).toEqual(new Set([young]));
    });

    it('past locked rows, without a wait', async () => {
      await oldGivenUp(10);
      const holder = store.dataSource.createQueryRunner();
      await holder.startTransaction();
      await holder.query('SELECT FROM service_callbacks LIMIT 4 FOR UPDATE');
      await tidy();
      expect((await records()).size).toBe(4);
      await holder.commitTransaction();
      await holder.release();
      await tidy();
      expect((await records()).size).toBe(0);
    });

    it('by itself from the start of the process to its end', async () => {
      await oldGivenUp(3);
      const running = maintenance();
      running.onApplicationBootstrap();
      await eventually(async () => expect((await records()).size).toBe(0));
      await running.beforeApplicationShutdown();
      expect(logs).toEqual([]);
    });

    it('after an error, which it names', async () => {
      await store.dataSource.query('ALTER TABLE service_callback_news RENAME TO elsewhere');
      const running = maintenance();
      running.onApplicationBootstrap();
      try {
        await eventually(async () =>
          expect(logs).toMatchObject([{ event: 'maintenance.failed', task: 'retention', level: 'error' }]),
        );
      } finally {
        await running.beforeApplicationShutdown();
        await store.dataSource.query('ALTER TABLE elsewhere RENAME TO service_callback_news');
      }
    });
  });
});
