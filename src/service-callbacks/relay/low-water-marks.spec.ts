import { describe, expect, it } from '@jest/globals';
import { LowWaterMarks, type Position } from './low-water-marks.js';

const LIMIT = 100;
const KEYS = [1, 2, 3];

const at = (key: number, position: number): Position => ({ key, position });

class Marks {
  private readonly marks = new LowWaterMarks(KEYS);

  /** Reads, for `ms`, what begins at `now`. */
  read(now: number, taken: readonly Position[] = [], ms = 1, limit = LIMIT): void {
    this.marks.begin(now).end(taken, limit, now + ms);
  }

  markOf(key: number, now: number): number | undefined {
    return this.marks.begin(now).from.get(key);
  }

  /** Whether a read at this time begins at the beginning; key 2 has a mark. */
  isWhole(now: number): boolean {
    return this.markOf(2, now) === 0;
  }
}

/** Key 1 has a mark at 10, key 2 at 20; the last read from the beginning ended at 10,000 ms. */
function marked(wholeMs = 0): Marks {
  const marks = new Marks();
  marks.read(0, [at(1, 10), at(2, 20)]);
  marks.read(2_100);
  marks.read(4_200);
  marks.read(10_000 - wholeMs, [], wholeMs);
  return marks;
}

describe('low-water marks', () => {
  it('read everything at first', () => {
    const { from } = new LowWaterMarks(KEYS).begin(0);
    expect(from).toEqual(
      new Map([
        [1, 0],
        [2, 0],
        [3, 0],
      ]),
    );
  });

  it('follow what was taken, for each key, after two to four seconds', () => {
    const marks = new Marks();
    marks.read(0, [at(1, 10), at(1, 12), at(1, 11), at(3, 5)]);
    expect(marks.markOf(1, 900)).toBe(0);
    marks.read(1_100);
    marks.read(2_050, [at(1, 20)]);
    // After the first two seconds, what was taken in them is recent, and not below the mark yet.
    expect(marks.markOf(1, 2_060)).toBe(0);
    marks.read(4_200, [at(1, 30)]);
    expect([1, 2, 3].map((key) => marks.markOf(key, 4_300))).toEqual([12, 0, 5]);
  });

  it('never go back', () => {
    const marks = marked();
    marks.read(11_100, [at(2, 7)]);
    for (const now of [13_200, 15_300, 17_400]) marks.read(now);
    expect(marks.markOf(2, 17_500)).toBe(20);
  });

  it('read everything once a second', () => {
    const marks = marked();
    expect(marks.isWhole(10_999)).toBe(false);
    expect(marks.isWhole(11_000)).toBe(true);
    // It stays due until such a read has ended.
    expect(marks.isWhole(11_001)).toBe(true);
    marks.read(11_002);
    expect(marks.isWhole(11_500)).toBe(false);
  });

  it('read everything at once again while there may be more below the marks', () => {
    const marks = marked();
    const late = Array.from({ length: LIMIT }, (_, index) => at(2, index % 20));
    marks.read(11_000, late);
    expect(marks.isWhole(11_002)).toBe(true);
    marks.read(11_002, late.slice(0, LIMIT / 2));
    expect(marks.isWhole(11_004)).toBe(true);
    marks.read(11_004, late.slice(0, LIMIT / 2 - 1));
    expect(marks.isWhole(11_006)).toBe(false);
  });

  it('do not count a read that took its limit above the marks as incomplete', () => {
    const marks = marked();
    marks.read(
      11_000,
      Array.from({ length: LIMIT }, (_, index) => at(2, 20 + index)),
    );
    expect(marks.isWhole(11_002)).toBe(false);
  });

  it('do not count a read that could take nothing', () => {
    const marks = marked();
    marks.read(11_000, [], 1, 0);
    expect(marks.isWhole(11_002)).toBe(true);
  });

  it('read everything less often if that takes long: a two-hundredth of the time', () => {
    const marks = marked(30);
    expect(marks.isWhole(15_999)).toBe(false);
    expect(marks.isWhole(16_000)).toBe(true);
  });

  it('read everything at least once a minute, however long the last such read took', () => {
    const marks = marked(4_000);
    expect(marks.isWhole(69_999)).toBe(false);
    expect(marks.isWhole(70_000)).toBe(true);
  });

  it('treat the first take after a long idle time as recent', () => {
    const marks = marked();
    marks.read(60_000, [at(2, 900)]);
    expect(marks.markOf(2, 60_100)).toBe(20);
    marks.read(62_100);
    marks.read(64_200);
    expect(marks.markOf(2, 64_300)).toBe(900);
  });
});
