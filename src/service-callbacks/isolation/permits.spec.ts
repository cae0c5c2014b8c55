import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Speed } from './latency.js';
import { Permits } from './permits.js';

function fill(permits: Permits, key: string, speed: Speed = 'slow'): number {
  let taken = 0;
  while (permits.hasRoomFor(key, speed)) {
    permits.take(key, speed === 'quick');
    taken += 1;
  }
  return taken;
}

describe('Permits', () => {
  it('gives one slow endpoint a third of the permits', () => {
    const permits = new Permits(2_000);
    expect(fill(permits, 'slow')).toBe(688);
  });

  it('still admits a new endpoint beside any number of slow endpoints', () => {
    const permits = new Permits(2_000);
    for (let other = 0; other < 100; other += 1) fill(permits, `slow ${other}`);
    expect(permits.hasRoomFor('new', 'unknown')).toBe(true);
  });

  it('shares evenly between a hundred endpoints that hang at the same moment', () => {
    const permits = new Permits(2_000);
    const counts = new Map<string, number>();
    for (let round = 0; round < 2_000; round += 1) {
      const key = `slow ${round % 100}`;
      if (!permits.hasRoomFor(key, 'slow')) continue;
      permits.take(key, false);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
    expect(permits.inUse).toBeLessThan(1_376);
  });

  it('always leaves a reserve that only quick endpoints may use', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { maxLength: 3_000 }), (keys) => {
        const permits = new Permits(400);
        for (const key of keys)
          if (permits.hasRoomFor(String(key), 'unknown')) permits.take(String(key), false);
        const held = permits.inUse;
        expect(held).toBeLessThanOrEqual(300);
        expect(fill(permits, 'quick', 'quick')).toBe(400 - held - 25);
        expect(permits.hasRoomFor('another', 'quick')).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('gives an unknown endpoint everything except the reserves', () => {
    expect(fill(new Permits(2_000), 'new', 'unknown')).toBe(1_375);
  });

  it('takes back released permits', () => {
    const permits = new Permits(16);
    const taken = fill(permits, 'slow');
    for (let held = 0; held < taken; held += 1) permits.release('slow');
    expect(permits.inUse).toBe(0);
    expect(fill(permits, 'slow')).toBe(taken);
  });

  it('lets a quick endpoint use all free permits but a sixteenth', () => {
    expect(fill(new Permits(2_000), 'quick', 'quick')).toBe(1_875);
    expect(fill(new Permits(15), 'quick', 'quick')).toBe(15);
  });

  it('counts an endpoint as it is now: one that turns slow keeps nothing from quick ones', () => {
    const permits = new Permits(2_000);
    fill(permits, 'turning', 'quick');
    permits.update('turning', false);
    expect(permits.hasRoomFor('new', 'unknown')).toBe(false);
    expect(permits.hasRoomFor('another', 'quick')).toBe(true);
    expect(permits.inUse).toBe(1_875);
  });

  it('admits a new endpoint beside a flood of quick ones', () => {
    const permits = new Permits(2_000);
    for (let other = 0; other < 100; other += 1) fill(permits, `quick ${other}`, 'quick');
    expect(permits.hasRoomFor('new', 'unknown')).toBe(true);
    permits.take('new', false);
    expect(permits.hasRoomFor('new', 'unknown')).toBe(false);
  });
});
