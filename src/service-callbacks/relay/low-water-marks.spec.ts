import { describe, expect, it } from '@jest/globals';
import { LowWaterMarks } from './low-water-marks.js';

const at = (priority: number, seq: number) => ({ priority, seq });

/** Marks after one read from the beginning, which took `wholeMs`. */
function marksAfterWhole(now = 0, wholeMs = 1): LowWaterMarks {
  const marks = new LowWaterMarks();
  marks.next(now);
  marks.read([], now, wholeMs);
  return marks;
}

describe('low-water marks', () => {
  it('read everything at first', () => {
    const { after, isWhole } = new LowWaterMarks().next(0);
    expect(isWhole).toBe(true);
    expect([...after.keys()]).toEqual(Array.from({ length: 24 }, (_, index) => index + 1));
    expect(new Set(after.values())).toEqual(new Set([0]));
  });

  it('follow what was taken, for each priority, after two to four seconds', () => {
    const marks = marksAfterWhole();
    marks.read([at(1, 10), at(1, 12), at(1, 11), at(3, 5)], 10);
    expect(marks.next(900)).toMatchObject({ isWhole: false });
    expect(marks.next(900).after.get(1)).toBe(0);
    marks.read([], 950, 1);
    marks.read([at(1, 20)], 2_100);
    // After the first two seconds, what was taken in them is recent, and not below the mark yet.
    expect(marks.next(2_200).after.get(1)).toBe(0);
    marks.read([], 2_200, 1);
    marks.read([at(1, 30)], 4_000);
    expect(marks.next(4_250).isWhole).toBe(true);
    marks.read([], 4_250, 1);
    const { after, isWhole } = marks.next(4_300);
    expect(isWhole).toBe(false);
    expect(after.get(1)).toBe(20);
    expect(after.get(3)).toBe(5);
    expect(after.get(2)).toBe(0);
  });

  it('never go back', () => {
    const marks = marksAfterWhole();
    marks.read([at(1, 50)], 10);
    for (const now of [2_100, 4_200]) marks.next(now);
    marks.read([at(1, 7)], 4_250, 1);
    for (const now of [6_300, 8_400]) marks.next(now);
    marks.read([], 8_400, 1);
    expect(marks.next(8_450).after.get(1)).toBe(50);
  });

  it('read everything once a second', () => {
    const marks = marksAfterWhole(0, 1);
    expect(marks.next(999).isWhole).toBe(false);
    expect(marks.next(1_000).isWhole).toBe(true);
    // It stays due until such a read has ended.
    expect(marks.next(1_001).isWhole).toBe(true);
    marks.read([], 1_010, 10);
    expect(marks.next(1_500).isWhole).toBe(false);
  });

  it('read everything less often if that takes long: a two-hundredth of the time', () => {
    const marks = marksAfterWhole(0, 30);
    expect(marks.next(5_999).isWhole).toBe(false);
    expect(marks.next(6_000).isWhole).toBe(true);
  });

  it('read everything at least once a minute, however long the last such read took', () => {
    const marks = marksAfterWhole(0, 600_000);
    expect(marks.next(59_999).isWhole).toBe(false);
    expect(marks.next(60_000).isWhole).toBe(true);
  });

  it('treat the first take after a long idle time as recent', () => {
    const marks = marksAfterWhole();
    marks.read([at(1, 10)], 10);
    marks.next(60_000);
    marks.read([at(1, 900)], 60_010, 1);
    expect(marks.next(60_020).after.get(1)).toBe(0);
    marks.next(62_100);
    marks.read([], 62_100, 1);
    expect(marks.next(62_150).after.get(1)).toBe(10);
  });
});
