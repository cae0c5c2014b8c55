import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { anyText } from '../../../test/support/builders/any-text.js';
import { callbackId } from './callback-id.js';

const parts = { serviceId: 'service', type: 'delivery_status', subjectId: 'notification', news: 'delivered' };

describe('callbackId', () => {
  it('is this very id for these parts, in every release', () => {
    expect(callbackId(parts)).toBe('b1bbf2b9-a389-54e1-b340-3d6d8aa25996');
  });

  it('is a UUID, which BullMQ takes as a job id (no colon, no bare integer)', () => {
    expect(callbackId(parts)).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });

  it('takes no news and undefined news for the same, and empty news for other', () => {
    const { news: _news, ...withoutNews } = parts;
    expect(callbackId(withoutNews)).toBe(callbackId({ ...parts, news: undefined }));
    expect(callbackId(withoutNews)).not.toBe(callbackId({ ...parts, news: '' }));
  });

  /** Short strings of the characters that an encoding could trip over, so that near misses are common. */
  const part = fc.string({
    unit: fc.constantFrom('a', 'b', ',', '"', '\\', '-', ':', '\u0000', '\ud800'),
    maxLength: 4,
  });
  const identity = fc.record(
    { serviceId: part, type: part, subjectId: part, news: part },
    { requiredKeys: ['serviceId', 'type', 'subjectId'] },
  );

  it('is the same exactly when all parts are the same', () => {
    fc.assert(
      fc.property(identity, identity, (one, other) => {
        const same = (['serviceId', 'type', 'subjectId', 'news'] as const).every(
          (key) => one[key] === other[key],
        );
        expect(callbackId(one) === callbackId(other)).toBe(same);
        expect(callbackId({ ...one })).toBe(callbackId(one));
      }),
      { numRuns: 1_000 },
    );
  });

  it('does not confuse where one part ends and the next begins', () => {
    fc.assert(
      fc.property(anyText({ minLength: 1 }), fc.nat(), fc.nat(), (text, at, otherAt) => {
        const [cut, otherCut] = [at % (text.length + 1), otherAt % (text.length + 1)];
        fc.pre(cut !== otherCut);
        const split = (index: number) =>
          callbackId({ ...parts, type: text.slice(0, index), subjectId: text.slice(index) });
        expect(split(cut)).not.toBe(split(otherCut));
      }),
    );
  });
});
