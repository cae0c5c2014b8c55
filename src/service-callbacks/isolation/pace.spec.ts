import { describe, expect, it } from '@jest/globals';
import { PaceLimit } from './pace-limit.js';
import { PaceMeter } from './pace.js';

function meter(): PaceMeter {
  return new PaceMeter(new PaceLimit({ slowAfterMs: 1_000, alwaysSlowAfterMs: 4_500 }));
}

describe('PaceMeter', () => {
  it('knows nothing before the first answer', () => {
    expect(meter().current(0)).toBe('unknown');
  });

  it('is quick after a quick answer, slow after a slow one', () => {
    const pace = meter();
    pace.ended(20, 0);
    expect(pace.current(0)).toBe('quick');
    const other = meter();
    other.ended(4_000, 0);
    expect(other.current(0)).toBe('slow');
  });

  it('is not moved by one that takes long among many that do not', () => {
    const pace = meter();
    for (let answer = 0; answer < 20; answer += 1) pace.ended(20, 0);
    pace.ended(4_000, 0);
    expect(pace.current(0)).toBe('quick');
  });

  it('is slow when half of the attempts run into the deadline', () => {
    const pace = meter();
    for (let answer = 0; answer < 20; answer += 1) pace.ended(answer % 2 === 0 ? 20 : 5_000, 0);
    expect(pace.current(0)).toBe('slow');
  });

  it('is slow when it falls silent, and quick again with the next quick answer', () => {
    const pace = meter();
    pace.ended(20, 0);
    expect(pace.current(1_499, 500)).toBe('quick');
    expect(pace.current(1_500, 500)).toBe('slow');
    pace.ended(30, 1_600);
    expect(pace.current(1_600)).toBe('quick');
  });

  it('is not silent while others of its answers come', () => {
    const pace = meter();
    pace.ended(20, 4_000);
    expect(pace.current(4_500, 0)).toBe('quick');
  });
});
