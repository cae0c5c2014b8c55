import { describe, expect, it } from '@jest/globals';
import { share } from './counts.js';

describe('a share of attempts', () => {
  it.each([
    [0, 0, '—'],
    [10, 10, '100%'],
    [0, 10, '0%'],
    [999_999, 1_000_000, '99.99%'],
    [1, 1_000_000, '0.01%'],
    [999, 1_000, '99.90%'],
    [1, 3, '33.3%'],
  ])('%d of %d is %s', (part, whole, words) => {
    expect(share(part, whole)).toBe(words);
  });
});
