import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { excerptOf } from './answer-excerpt.js';

const TOKEN = 'to<k"en&/+ 123';
const SECRET = 'whsec_c2lnbmluZy1zZWNyZXQ=';

const request = {
  id: 'an-id',
  url: 'https://service.example.com/',
  bearerToken: TOKEN,
  signingSecrets: [SECRET],
  body: JSON.stringify({
    id: '740e5834-3a29-46b4-9a6f-16142fde533a',
    to: 'someone@example.com',
    content: 'Your code is "1234"\nKeep it',
    phone: 447700900123,
    sent_at: '2026-03-01T12:00:00.000000Z',
    status: 'ok',
    nested: [{ name: 'Ada Lovelace' }],
  }),
};

const excerpt = (text: string | Buffer) => excerptOf(Buffer.from(text as string), request);

describe('the excerpt of an answer', () => {
  it('is none where there is nothing to read', () => {
    expect(excerpt('')).toBeUndefined();
    expect(excerpt(' \r\n\t ')).toBeUndefined();
  });

  it.each([
    ['plain', 'not a known status', 'not a known status'],
    ['more than a line', 'a\r\n\r\n  b\tc', 'a b c'],
    ['terminal escapes', '\u001b[31mred\u0007\0', '\uFFFD[31mred\uFFFD\uFFFD'],
    ['characters that turn the line round', 'a\u202Eb\u200Bc', 'a\uFFFDb\uFFFDc'],
    ['other encodings', Buffer.from([0xff, 0xfe, 0x41]), '\uFFFD\uFFFDA'],
  ])('is one printable line: %s', (_what, text, expected) => {
    expect(excerpt(text)).toBe(expected);
  });

  it.each([
    ['as it is', TOKEN],
    ['in JSON', JSON.stringify(TOKEN).slice(1, -1)],
    ['in a URL', encodeURIComponent(TOKEN)],
    ['in HTML', 'to&lt;k&quot;en&amp;/+ 123'],
    ['in base64', Buffer.from(TOKEN).toString('base64')],
    ['in hex', Buffer.from(TOKEN).toString('hex')],
    ['a signing secret', SECRET],
    ['without its prefix', SECRET.slice('whsec_'.length)],
    ['a recipient', 'someone@example.com'],
    ['a message in JSON', 'Your code is \\"1234\\"\\nKeep it'],
    ['a number', '447700900123'],
    ['something nested', 'Ada Lovelace'],
  ])('masks what it was sent: %s', (_how, echoed) => {
    expect(excerpt(`before ${echoed} after`)).toMatch(/^before \[…\]=* after$/);
  });

  it('leaves ids, times and short words, which help whoever reads', () => {
    const text = 'ok 740e5834-3a29-46b4-9a6f-16142fde533a at 2026-03-01T12:00:00.000000Z';
    expect(excerpt(text)).toBe(text);
  });

  it('never has a part of the token where it is cut', () => {
    for (let before = 1_000; before < 1_030; before += 1) {
      expect(excerpt('x'.repeat(before) + TOKEN)).not.toContain('to<k');
    }
  });

  it('is of 1024 bytes at most, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5_000 }), (bytes) => {
        const text = excerptOf(Buffer.from(bytes), request) ?? '';
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1_024);
        expect(text).not.toMatch(/\p{C}/u);
      }),
    );
    expect(Buffer.byteLength(excerpt('é'.repeat(2_000)) ?? '')).toBe(1_024);
    expect(Buffer.byteLength(excerpt('€'.repeat(2_000)) ?? '')).toBe(1_023);
  });

  it('masks a body that is no JSON as a whole', () => {
    expect(excerptOf(Buffer.from('you sent: plain text'), { ...request, body: 'plain text' })).toBe(
      'you sent: […]',
    );
  });
});
