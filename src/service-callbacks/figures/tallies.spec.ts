import { describe, expect, it } from '@jest/globals';
import { SpanTallies } from './tallies.js';

describe('tallies of a minute', () => {
  it('are summed by id and minute, until they are taken', () => {
    const tallies = new SpanTallies(60_000, 10, () => undefined);
    tallies.count('delivered', 'a', 's', 60_001);
    tallies.count('delivered', 'a', 's', 119_999);
    tallies.count('failed', 'a', 's', 120_000);
    tallies.observe(5, 'b', 's', 60_000);
    const taken = tallies.take().map(({ id, at, delivered, failed }) => ({ id, at, delivered, failed }));
    expect(taken).toEqual([
      { id: 'a', at: 60_000, delivered: 2, failed: 0 },
      { id: 'a', at: 120_000, delivered: 0, failed: 1 },
      { id: 'b', at: 60_000, delivered: 0, failed: 0 },
    ]);
    expect(tallies.take()).toEqual([]);
  });

  it('count an attempt in the minute in which it began', () => {
    const tallies = new SpanTallies(60_000, 10, () => undefined);
    for (const now of [59_999, 60_000, 59_999, 120_000, 60_000, 1]) tallies.count('delivered', 'a', 's', now);
    expect(tallies.take().map(({ at, delivered }) => [at, delivered])).toEqual([
      [0, 3],
      [60_000, 2],
      [120_000, 1],
    ]);
  });

  it('are bounded, and count what they drop', () => {
    let dropped = 0;
    const tallies = new SpanTallies(60_000, 2, () => (dropped += 1));
    for (const id of ['a', 'b', 'c', 'a', 'd']) tallies.count('delivered', id, 's', 0);
    expect(dropped).toBe(2);
    expect(tallies.take().map(({ id, delivered }) => [id, delivered])).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
  });
});
