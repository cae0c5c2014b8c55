import { describe, expect, it } from '@jest/globals';
import { shortId } from './ids.js';

describe('a short id', () => {
  it.each([
    ['d1b3ac4e-0e0c-4f5b-9a3e-2f1d5c7b8a90', 'd1b3ac4e'],
    ['019aca6b-5f10-7c3e-9a3e-2f1d5c7b8a90', '019aca6b-5f10-7c3e'],
    ['order-12', 'order-12'],
  ])('of %s is %s', (id, short) => {
    expect(shortId(id)).toBe(short);
  });
});
