import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { anyText } from '../../../test/support/builders/any-text.js';
import { UnsendablePayloadError } from './errors.js';
import { payloadText } from './payload-text.js';

const text = (payload: unknown) => payloadText('order_paid', payload);

describe('the text of a payload', () => {
  it('is its JSON, in the order of its keys', () => {
    expect(text({ b: 1, a: { d: [null, true], c: 'ü' }, none: undefined })).toBe(
      '{"b":1,"a":{"d":[null,true],"c":"ü"}}',
    );
    expect(text({})).toBe('{}');
  });

  it('uses toJSON() of its values', () => {
    expect(text({ at: new Date(0), own: { toJSON: () => 'own' } })).toBe(
      '{"at":"1970-01-01T00:00:00.000Z","own":"own"}',
    );
  });

  it('has U+FFFD for half of a surrogate pair, in values and in keys', () => {
    expect(text({ a: 'x\ud800y', b: ['\udc00'], c: '\ud83d\ude4f' })).toBe(
      '{"a":"x\ufffdy","b":["\ufffd"],"c":"🙏"}',
    );
    expect(text({ 'k\ud800': 1 })).toBe('{"k\ufffd":1}');
    expect(text({ a: [{ '\udc00"\\ud800': '\\ud800' }], '\ud83d\ude4f': '\b' })).toBe(
      '{"a":[{"\ufffd\\"\\\\ud800":"\\\\ud800"}],"🙏":"\\b"}',
    );
  });

  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;

  it.each<[string, unknown, RegExp]>([
    ['undefined', undefined, /is undefined; it must be an object/],
    ['null', null, /is null; it must be an object/],
    ['an array', [1], /is an array; it must be an object/],
    ['a text', 'a secret text', /is a string; it must be an object/],
    ['a number', 7, /is a number; it must be an object/],
    ['a boolean', true, /is a boolean; it must be an object/],
    ['a BigInt', 7n, /is a bigint; it must be an object/],
    ['a symbol', Symbol('a'), /is a symbol; it must be an object/],
    ['a function', () => undefined, /is a function; it must be an object/],
    ['a BigInt in it', { order: { total: 7n } }, /has a BigInt at "total"/],
    ['a cycle', cycle, /cannot be written as JSON: .*circular/],
    [
      'a getter that throws',
      {
        get total() {
          throw new Error('no total yet');
        },
      },
      /cannot be written as JSON: no total yet/,
    ],
    [
      'toJSON that throws',
      {
        toJSON() {
          throw new Error('not now');
        },
      },
      /cannot be written as JSON: not now/,
    ],
    ['an own key __proto__', JSON.parse('{"__proto__":{"isAdmin":true}}'), /has an own key "__proto__"/],
    [
      'one inside of it',
      { toJSON: () => JSON.parse('{"orders":[1,{"__proto__":null}]}') as unknown },
      /has an own key "orders.1.__proto__"/,
    ],
    ['toJSON that makes a list of it', { toJSON: () => [1] }, /is no JSON object/],
    ['toJSON that makes a text of it', { toJSON: () => '{' }, /is no JSON object/],
    ['toJSON that makes nothing of it', { toJSON: () => undefined }, /is no JSON object/],
  ])('is refused for %s, by name', (_, payload, problem) => {
    const refused = () => text(payload);
    expect(refused).toThrow(UnsendablePayloadError);
    expect(refused).toThrow(problem);
    expect(refused).toThrow(/"order_paid"/);
  });

  it('is not shown in the error', () => {
    expect(() => text('a secret text')).not.toThrow(/secret/);
  });

  it('of any object is UTF-8 that parses to the same JSON', () => {
    const value = fc.oneof(anyText(), fc.double(), fc.boolean(), fc.constant(null), fc.array(anyText()));
    fc.assert(
      fc.property(fc.dictionary(anyText(), fc.oneof(value, fc.dictionary(anyText(), value))), (payload) => {
        fc.pre(!Object.hasOwn(payload, '__proto__'));
        expect(Buffer.from(text(payload)).toString()).toBe(JSON.stringify(payload));
      }),
    );
  });
});
