import { describe, expect, it } from '@jest/globals';
import { SlowThreshold } from './slow-threshold.js';

const OPTIONS = { slowAfterMs: 1_000, alwaysSlowAfterMs: 4_500 };

describe('SlowThreshold', () => {
  it('is the configured value while responses are quick, and without responses', () => {
    const limit = new SlowThreshold(OPTIONS);
    expect(limit.current(0)).toBe(1_000);
    limit.note(5, 0);
    expect(limit.current(0)).toBe(1_000);
  });

  it('follows the quickest response if all are slow', () => {
    const limit = new SlowThreshold(OPTIONS);
    limit.note(2_000, 0);
    limit.note(600, 10);
    expect(limit.current(20)).toBe(2_400);
  });

  it('never reaches the deadline', () => {
    const limit = new SlowThreshold(OPTIONS);
    limit.note(4_000, 0);
    expect(limit.current(0)).toBe(4_500);
  });

  it('remembers the current period and the one before', () => {
    const limit = new SlowThreshold(OPTIONS);
    limit.note(600, 500);
    expect(limit.current(1_500)).toBe(2_400);
    expect(limit.current(2_500)).toBe(1_000);
  });
});
