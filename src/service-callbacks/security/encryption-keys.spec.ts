import { describe, expect, it } from '@jest/globals';
import { generateEncryptionKey, parseEncryptionKeys } from './encryption-keys.js';
import { InvalidEncryptionKeyError } from './errors.js';

const SECRET = Buffer.alloc(32, 0xfb).toString('base64');

describe('parseEncryptionKeys', () => {
  it('keeps the order: the first is the current one', () => {
    const keys = parseEncryptionKeys([`b:${SECRET}`, generateEncryptionKey('a')]);
    expect(keys.current.id).toBe('b');
    expect(keys.current.key.export().toString('base64')).toBe(SECRET);
    expect([...keys.byId.keys()]).toEqual(['b', 'a']);
  });

  it.each<[string, string[], string]>([
    ['no keys', [], 'list is empty'],
    ['an empty one', [''], 'number 1 has no key id'],
    ['no key id', [generateEncryptionKey('a'), SECRET], 'number 2 has no key id'],
    ['an empty key id', [`:${SECRET}`], 'number 1 has no key id'],
    ['a key id with a dot', [`a.b:${SECRET}`], 'number 1 has no key id'],
    ['a key where the id should be', [`${SECRET}:a`], 'number 1 has no key id'],
    ['a short key', [`a:${Buffer.alloc(16, 0xfb).toString('base64')}`], '"a" has 16 bytes'],
    ['a long key', [`a:${Buffer.alloc(33, 0xfb).toString('base64')}`], '"a" has 33 bytes'],
    ['an empty key', ['a:'], '"a" has 0 bytes'],
    ['hex', [`a:${Buffer.alloc(32, 0xfb).toString('hex')}`], '"a" has 48 bytes'],
    ['base64url', [`a:${Buffer.alloc(32, 0xfb).toString('base64url')}`], '"a" is not base64'],
    ['a trailing line break', [`a:${SECRET}\n`], '"a" is not base64'],
    ['the same id twice', [`a:${SECRET}`, generateEncryptionKey('a')], '"a" is given twice'],
  ])('refuses %s by name, without the key', (_case, keys, message) => {
    expect(() => parseEncryptionKeys(keys)).toThrow(InvalidEncryptionKeyError);
    expect(() => parseEncryptionKeys(keys)).toThrow(message);
    expect(() => parseEncryptionKeys(keys)).not.toThrow(/fb{8}|[+]\/v7/);
  });
});

describe('generateEncryptionKey', () => {
  it('makes a new valid key each time', () => {
    const [one, other] = [generateEncryptionKey('dev'), generateEncryptionKey('dev')];
    expect(one).not.toBe(other);
    expect(parseEncryptionKeys([one]).current.id).toBe('dev');
  });

  it.each(['', 'a.b', 'a:b', 'a,b', 'a b', 'x'.repeat(65)])('refuses the key id %j', (kid) => {
    expect(() => generateEncryptionKey(kid)).toThrow(RangeError);
  });
});
