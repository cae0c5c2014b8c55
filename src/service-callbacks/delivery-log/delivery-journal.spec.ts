import { describe, expect, it } from '@jest/globals';
import { aCallback, aJournal, attempt } from '../../../test/support/journal.js';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { MAX_ROWS } from './delivery-journal.js';
import { bucketOf } from './histogram.js';

const NOW = Date.parse('2026-03-01T12:00:00Z');

describe('the journal', () => {
  it('has a row a fact, and the sums beside', () => {
    const { journal } = aJournal(new ManualClock(NOW));
    const callback = aCallback({ queuedAt: NOW - 40 });
    const tried = attempt(journal, callback, NOW, { status: 503, excerpt: 'busy', durationMs: 7 });
    journal.retrying(tried, NOW + 1_000);
    const { rows, minutes, hours, health } = journal.take(10);
    expect(rows).toEqual([
      expect.objectContaining({
        id: callback.id,
        state: 'retrying',
        attempt_count: 1,
        next_at: NOW + 1_000,
        attempts: [{ at: new Date(NOW).toISOString(), ms: 7, status: 503, excerpt: 'busy' }],
      }),
    ]);
    expect(minutes).toMatchObject([{ id: 'a-service', failed: 1, delivered: 0 }]);
    expect(hours).toMatchObject([{ id: 'an-api', failed: 1 }]);
    expect(health).toMatchObject([{ lastFailure: '503', failures: 1, failingSince: NOW }]);
    expect(journal.take(10)).toEqual({ rows: [], minutes: [], hours: [], health: [] });
  });

  it('keeps an excerpt out of what goes on into jobs and dead letters', () => {
    const { journal } = aJournal(new ManualClock(NOW));
    const tried = attempt(journal, aCallback(), NOW, { status: 400, excerpt: 'bytes of a server' });
    expect(JSON.stringify(tried)).not.toContain('bytes of a server');
  });

  it('with `failures` has no row of what was delivered at once, and one of what was not', () => {
    const { journal } = aJournal(new ManualClock(NOW), { keep: 'failures' });
    journal.delivered(attempt(journal, aCallback(), NOW, { status: 200 }), 'first');
    // It was deferred before its first attempt.
    const deferred = aCallback();
    journal.delivered(attempt(journal, deferred, NOW, { status: 200 }), 'retry');
    const { rows, minutes } = journal.take(10);
    expect(rows.map(({ id }) => id)).toEqual([deferred.id]);
    expect(minutes).toMatchObject([{ delivered: 2 }]);
  });

  it('with `off` has no rows, and the sums all the same', () => {
    const { journal } = aJournal(new ManualClock(NOW), { keep: 'off' });
    journal.gaveUp(aCallback(), 'cancelled');
    expect(journal.take(10)).toMatchObject({ rows: [], minutes: [{ givenUp: 1 }] });
  });

  it('counts a callback as deferred once, however often it is put off', () => {
    const { journal } = aJournal(new ManualClock(NOW));
    const callback = aCallback();
    journal.deferred(callback, NOW + 1_000, 'first');
    for (let times = 0; times < 20; times += 1) journal.deferred(callback, NOW + 2_000, 'retry');
    const { rows, minutes, hours } = journal.take(100);
    expect(rows.at(-1)).toMatchObject({ state: 'deferred', next_at: NOW + 2_000 });
    expect(minutes).toMatchObject([{ deferred: 1 }]);
    expect(hours).toMatchObject([{ deferred: 1 }]);
  });

  it('takes how late first attempts start, deferred ones too, and not how late a replay was asked for', () => {
    const { journal } = aJournal(new ManualClock(NOW));
    attempt(journal, aCallback({ queuedAt: NOW - 40 }), NOW, { status: 200 });
    attempt(journal, aCallback({ queuedAt: NOW - 3_600_000, generation: 1 }), NOW, { status: 200 });
    const [minute] = journal.take(10).minutes;
    expect(minute?.histogram.reduce((sum, count) => sum + count, 0)).toBe(1);
    expect(minute?.histogram).toHaveLength(bucketOf(40) + 1);
  });

  it('drops the oldest rows when it is full, and counts them', async () => {
    const { journal, dropped } = aJournal(new ManualClock(NOW));
    const ids = Array.from({ length: MAX_ROWS + 1 }, () => {
      const callback = aCallback();
      journal.gaveUp(callback, 'cancelled');
      return callback.id;
    });
    const { rows } = journal.take(2 * MAX_ROWS);
    expect(rows.length).toBe(ids.length - (await dropped('rows')));
    expect(rows.at(-1)?.id).toBe(ids.at(-1));
    expect(rows[0]?.id).toBe(ids[await dropped('rows')]);
    expect(journal.dropped).toBe(await dropped('rows'));
  });

  it('hands the oldest out first, and says when there is enough', async () => {
    const { journal } = aJournal(new ManualClock(NOW));
    const enough = journal.untilEnough();
    const callbacks = Array.from({ length: 500 }, () => aCallback());
    for (const callback of callbacks) journal.gaveUp(callback, 'cancelled');
    await enough;
    expect(journal.take(2).rows.map(({ id }) => id)).toEqual(callbacks.slice(0, 2).map(({ id }) => id));
    expect(journal.take(1_000).rows).toHaveLength(498);
    expect(journal.isEmpty).toBe(true);
  });
});
