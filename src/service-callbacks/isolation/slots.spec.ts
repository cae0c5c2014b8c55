import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Speed } from './latency.js';
import { Slots } from './slots.js';

function fill(slots: Slots, key: string, speed: Speed = 'slow'): number {
  let taken = 0;
  while (slots.hasRoomFor(key, speed)) {
    slots.take(key);
    taken += 1;
  }
  return taken;
}

describe('Slots', () => {
  it('gives one slow endpoint a third of the permits', () => {
    const slots = new Slots(2_000);
    expect(fill(slots, 'slow')).toBe(688);
  });

  it('still admits a new endpoint beside any number of slow endpoints', () => {
    const slots = new Slots(2_000);
    for (let other = 0; other < 100; other += 1) fill(slots, `slow ${other}`);
    expect(slots.hasRoomFor('new', 'unknown')).toBe(true);
  });

  it('shares evenly between a hundred endpoints that hang at the same moment', () => {
    const slots = new Slots(2_000);
    const counts = new Map<string, number>();
    for (let round = 0; round < 2_000; round += 1) {
      const key = `slow ${round % 100}`;
      if (!slots.hasRoomFor(key, 'slow')) continue;
      slots.take(key);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
    expect(slots.inUse).toBeLessThan(1_376);
  });

  it('always leaves a reserve that only quick endpoints may use', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { maxLength: 3_000 }), (keys) => {
        const slots = new Slots(400);
        for (const key of keys) if (slots.hasRoomFor(String(key), 'unknown')) slots.take(String(key));
        const held = slots.inUse;
        expect(held).toBeLessThanOrEqual(300);
        expect(fill(slots, 'quick', 'quick')).toBe(400 - held);
      }),
      { numRuns: 200 },
    );
  });

  it('gives an unknown endpoint everything except the reserves', () => {
    expect(fill(new Slots(2_000), 'new', 'unknown')).toBe(1_375);
  });

  it('takes back released permits', () => {
    const slots = new Slots(16);
    const taken = fill(slots, 'slow');
    for (let held = 0; held < taken; held += 1) slots.giveBack('slow');
    expect(slots.inUse).toBe(0);
    expect(fill(slots, 'slow')).toBe(taken);
  });

  it('lets a quick endpoint use everything that is free', () => {
    const slots = new Slots(16);
    expect(fill(slots, 'quick', 'quick')).toBe(16);
  });
});
