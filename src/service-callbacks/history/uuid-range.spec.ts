import { describe, expect, it } from '@jest/globals';
import { uuidRangeOf } from './uuid-range.js';

describe('the range of UUIDs that begin alike', () => {
  it.each([
    ['019aca6b', '019aca6b-0000-0000-0000-000000000000', '019aca6b-ffff-ffff-ffff-ffffffffffff'],
    ['019aca6b-5f10-7C3', '019aca6b-5f10-7c30-0000-000000000000', '019aca6b-5f10-7c3f-ffff-ffffffffffff'],
    ['019aca6b5f107c3', '019aca6b-5f10-7c30-0000-000000000000', '019aca6b-5f10-7c3f-ffff-ffffffffffff'],
  ])('of %s is %s to %s', (beginning, first, last) => {
    expect(uuidRangeOf(beginning)).toEqual([first, last]);
  });

  it('of a whole UUID is that UUID', () => {
    const id = 'd1b3ac4e-0e0c-4f5b-9a3e-2f1d5c7b8a90';
    expect(uuidRangeOf(id)).toEqual([id, id]);
  });

  it.each(['', '-', '019aca6', 'order-12', 'zzzzzzzz', 'a'.repeat(33)])('does not exist for %j', (text) => {
    expect(uuidRangeOf(text)).toBeUndefined();
  });
});
