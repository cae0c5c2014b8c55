import fc from 'fast-check';
import { describe, expect, it } from '@jest/globals';
import { anyText } from '../../../test/support/builders/any-text.js';
import { CorruptCiphertextError, UnknownEncryptionKeyError } from './errors.js';
import { generateEncryptionKey } from './encryption-keys.js';
import { PayloadCipher } from './payload-cipher.js';

const OLD = generateEncryptionKey('2024');
const NEW = generateEncryptionKey('2025');

describe('PayloadCipher', () => {
  const cipher = new PayloadCipher([NEW, OLD]);
  const text = anyText({ maxLength: 200 });

  it('decrypts any payload to itself', () => {
    fc.assert(
      fc.property(text, text, (payload, associatedData) => {
        expect(cipher.decrypt(cipher.encrypt(payload, associatedData), associatedData)).toBe(payload);
      }),
    );
  });

  it.each([
    ['an empty one', ''],
    ['a megabyte', 'é🙂\u0000"\n'.repeat(120_000)],
  ])('decrypts %s to itself', (_case, payload) => {
    expect(cipher.decrypt(cipher.encrypt(payload, 'a'), 'a')).toBe(payload);
  });

  it('is a compact token: the key id, a dot, nonce, ciphertext and tag in base64url', () => {
    const [keyId, sealed, ...rest] = cipher.encrypt('payload', 'a').split('.');
    expect(keyId).toBe('2025');
    expect(sealed).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(Buffer.from(sealed ?? '', 'base64url')).toHaveLength(12 + 'payload'.length + 16);
    expect(rest).toEqual([]);
  });

  it('never makes the same token twice', () => {
    const tokens = Array.from({ length: 1_000 }, () => cipher.encrypt('payload', 'a'));
    expect(new Set(tokens).size).toBe(tokens.length);
  });

  it('refuses any flipped bit of nonce, ciphertext and tag', () => {
    const token = cipher.encrypt('a payload of some length', 'a');
    const [keyId, encoded] = token.split('.');
    const sealed = Buffer.from(encoded ?? '', 'base64url');
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = Buffer.from(sealed);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const altered = `${keyId}.${flipped.toString('base64url')}`;
      expect(() => cipher.decrypt(altered, 'a')).toThrow(CorruptCiphertextError);
    }
  });

  it('refuses any flipped bit of the token as text, its key id included', () => {
    fc.assert(
      fc.property(text, fc.nat(), fc.nat({ max: 7 }), (payload, position, bit) => {
        const bytes = Buffer.from(cipher.encrypt(payload, 'a'), 'latin1');
        const index = position % bytes.length;
        bytes.writeUInt8(bytes.readUInt8(index) ^ (1 << bit), index);
        expect(() => cipher.decrypt(bytes.toString('latin1'), 'a')).toThrow(
          expect.objectContaining({
            name: expect.stringMatching(/^(CorruptCiphertext|UnknownEncryptionKey)Error$/),
          }),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it('refuses other associated data', () => {
    fc.assert(
      fc.property(text, text, text, (payload, one, other) => {
        fc.pre(one !== other);
        expect(() => cipher.decrypt(cipher.encrypt(payload, one), other)).toThrow(CorruptCiphertextError);
      }),
    );
  });

  it('refuses the key id of another configured key, even of the same bytes', () => {
    const sameBytes = new PayloadCipher([NEW, NEW.replace('2025', 'twin')]);
    const altered = sameBytes.encrypt('payload', 'a').replace('2025.', 'twin.');
    expect(() => sameBytes.decrypt(altered, 'a')).toThrow(CorruptCiphertextError);
  });

  it.each([
    ['nothing', ''],
    ['a dot', '.'],
    ['no key id', '.AAAA'],
    ['no dot', 'secret'],
    ['too short for nonce and tag', `2025.${'A'.repeat(36)}`],
    ['padding', `2025.${Buffer.alloc(40).toString('base64')}`],
    ['not base64url', `2025.${'A'.repeat(60)}+/`],
    ['a line break', `2025.${'A'.repeat(60)}\n`],
    ['a third part', `2025.${'A'.repeat(60)}.AAAA`],
    ['a key id with a space', `2025 .${'A'.repeat(60)}`],
  ])('refuses a token of %s as malformed and does not repeat it', (_case, token) => {
    const malformed = new CorruptCiphertextError('is malformed');
    expect(() => cipher.decrypt(token, 'a')).toThrow(malformed);
    expect(malformed.message).toBe('the ciphertext is malformed');
  });

  it('encrypts under the first key and decrypts under all', () => {
    const before = new PayloadCipher([OLD]).encrypt('payload', 'a');
    expect(cipher.currentKeyId).toBe('2025');
    expect(before).toMatch(/^2024\./);
    expect(cipher.decrypt(before, 'a')).toBe('payload');
    expect(cipher.encrypt('payload', 'a')).toMatch(/^2025\./);
  });

  it('names a retired key and the known ones', () => {
    const token = new PayloadCipher([OLD]).encrypt('payload', 'a');
    const afterwards = new PayloadCipher([NEW, generateEncryptionKey('spare')]);
    expect(() => afterwards.decrypt(token, 'a')).toThrow(
      new UnknownEncryptionKeyError('2024', ['2025', 'spare']),
    );
    expect(() => afterwards.decrypt(token, 'a')).toThrow(/"2024".*known: 2025, spare/);
  });

  it('refuses a key of the same id and other bytes', () => {
    const token = new PayloadCipher([OLD]).encrypt('payload', 'a');
    expect(() => new PayloadCipher([generateEncryptionKey('2024')]).decrypt(token, 'a')).toThrow(
      CorruptCiphertextError,
    );
  });
});
