import { describe, expect, it } from '@jest/globals';
import { SlowThreshold } from './slow-threshold.js';
import { LatencyMeter } from './latency.js';

function meter(): LatencyMeter {
  return new LatencyMeter(new SlowThreshold({ slowAfterMs: 1_000, alwaysSlowAfterMs: 4_500 }));
}

describe('LatencyMeter', () => {
  it('is unknown before the first response', () => {
    expect(meter().current(0)).toBe('unknown');
  });

  it('is quick after a quick response, slow after a slow one', () => {
    const speed = meter();
    speed.ended(20, 0);
    expect(speed.current(0)).toBe('quick');
    const other = meter();
    other.ended(4_000, 0);
    expect(other.current(0)).toBe('slow');
  });

  it('ignores one slow response among many quick ones', () => {
    const speed = meter();
    for (let response = 0; response < 20; response += 1) speed.ended(20, 0);
    speed.ended(4_000, 0);
    expect(speed.current(0)).toBe('quick');
  });

  it('is slow when half of the attempts run into the deadline', () => {
    const speed = meter();
    for (let response = 0; response < 20; response += 1) speed.ended(response % 2 === 0 ? 20 : 5_000, 0);
    expect(speed.current(0)).toBe('slow');
  });

  it('is slow when responses stop, and quick again with the next quick response', () => {
    const speed = meter();
    speed.ended(20, 0);
    expect(speed.current(1_499, 500)).toBe('quick');
    expect(speed.current(1_500, 500)).toBe('slow');
    speed.ended(30, 1_600);
    expect(speed.current(1_600)).toBe('quick');
  });

  it('is not slow while other attempts get a response', () => {
    const speed = meter();
    speed.ended(20, 4_000);
    expect(speed.current(4_500, 0)).toBe('quick');
  });
});
