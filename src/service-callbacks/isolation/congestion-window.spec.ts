import { describe, expect, it } from '@jest/globals';
import { CongestionWindow } from './congestion-window.js';

describe('CongestionWindow', () => {
  it('halves with each failure, down to one', () => {
    const window = new CongestionWindow(100);
    const sizes = Array.from({ length: 8 }, () => {
      window.failed('failed');
      return window.size;
    });
    expect(sizes).toEqual([50, 25, 12, 6, 3, 1, 1, 1]);
  });

  it('is one after a timeout', () => {
    const window = new CongestionWindow(100);
    window.failed('timed_out');
    expect(window.size).toBe(1);
  });

  it('grows by one with each success, up to the limit', () => {
    const window = new CongestionWindow(3);
    window.recovered();
    const sizes = Array.from({ length: 4 }, () => {
      window.succeeded();
      return window.size;
    });
    expect(sizes).toEqual([2, 3, 3, 3]);
  });

  it('doubles within one round trip after an outage', () => {
    const window = new CongestionWindow(1_000);
    window.recovered();
    const sizes: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const inFlight = window.size;
      for (let response = 0; response < inFlight; response += 1) window.succeeded();
      sizes.push(window.size);
    }
    expect(sizes).toEqual([2, 4, 8, 16, 32]);
  });
});
