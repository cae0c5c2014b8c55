import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { excerptOf, headersOf } from './response-excerpt.js';

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

describe('the excerpt of a response', () => {
  it('is undefined if there is nothing to read', () => {
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
  ])('masks sent texts: %s', (_how, echoed) => {
    expect(excerpt(`before ${echoed} after`)).toMatch(/^before \[…\]=* after$/);
  });

  /** A token, and for each of its characters whether a server escapes it. */
  const tokens = fc.tuple(
    fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
      minLength: 10,
    }),
    fc.array(fc.boolean(), { minLength: 100, maxLength: 100 }),
  );
  const hex = (char: string, length: number) => char.charCodeAt(0).toString(16).padStart(length, '0');
  const percent = (char: string) => `%${hex(char, 2)}`;
  const json = (char: string) => `\\u${hex(char, 4)}`;

  it.each<[string, RegExp, (char: string) => string]>([
    ['percent-encoded', /[%\s]/, percent],
    ['percent-encoded in upper case', /[%\s]/, (char) => percent(char).toUpperCase()],
    ['in JSON', /[\\"]/, json],
    [
      'in JSON, in upper case',
      /[\\"]/,
      (char) => json(char).replace(/[a-f]/g, (digit) => digit.toUpperCase()),
    ],
    ['in JSON within JSON', /[\\"]/, (char) => `\\${json(char)}`],
    ['in HTML by number', /[&<>"]/, (char) => `&#${char.charCodeAt(0)};`],
    ['in HTML by hexadecimal number', /[&<>"]/, (char) => `&#x${hex(char, 2)};`],
    ['in percent-encoded JSON', /[%\\"]/, (char) => encodeURIComponent(json(char))],
  ])('masks an escaped token: %s', (_how, reserved, escape) => {
    fc.assert(
      fc.property(tokens, ([bearerToken, escaped]) => {
        const chars = Array.from(bearerToken);
        const echoed = chars
          .map((char, at) => (escaped[at] || reserved.test(char) ? escape(char) : char))
          .join('');
        const body = Buffer.from(`before ${echoed} after`);
        expect(excerptOf(body, { ...request, bearerToken })).toBe('before […] after');
      }),
    );
  });

  it('masks a token in base64 of either alphabet, with any text around it', () => {
    const bytes = fc.uint8Array({ maxLength: 20 });
    fc.assert(
      fc.property(
        tokens,
        bytes,
        bytes,
        fc.constantFrom('base64' as const, 'base64url' as const),
        (token, ...rest) => {
          const [[bearerToken], [before, after, alphabet]] = [token, rest];
          const echoed = Buffer.concat([before, Buffer.from(bearerToken), after]).toString(alphabet);
          const inLines = echoed.replaceAll(/.{16}(?!$)/g, '$&\r\n');
          for (const spelling of [
            echoed,
            encodeURIComponent(echoed),
            echoed.replaceAll('/', '\\/'),
            inLines,
            JSON.stringify(inLines).slice(1, -1),
          ]) {
            const body = Buffer.from(`before ${spelling} after`);
            expect(excerptOf(body, { ...request, bearerToken })).toBe('before […] after');
          }
        },
      ),
    );
  });

  it('masks the beginning of a token at the end of the response', () => {
    const echoes = [
      TOKEN,
      encodeURIComponent(TOKEN),
      JSON.stringify(TOKEN).slice(1),
      Buffer.from(TOKEN).toString('base64'),
    ];
    for (const echoed of echoes) {
      for (let length = 14; length < echoed.length; length += 1) {
        expect(excerpt(`before ${echoed.slice(0, length)}`)).toMatch(/^before \[…\]=*$/);
      }
    }
  });

  it('shows no part of a token that fills the response', () => {
    const bearerToken = 'a-long-bearer-token'.repeat(50);
    const body = Buffer.from(`${bearerToken} `.repeat(20));
    for (const length of [1_500, 4_000, 10_000, body.length]) {
      expect(excerptOf(body.subarray(0, length), { ...request, bearerToken })).toMatch(/^(\[…\] ?)+$/);
    }
  });

  it('leaves other escaped text unchanged', () => {
    const text =
      '{"error":"unknown \\u0022field\\u0022","see":"https:\\/\\/example.com\\/a%20b?c=%zz&amp;d"} 100%';
    expect(excerpt(text)).toBe(text);
  });

  it('leaves ids, times and short words unchanged', () => {
    const text = 'ok 740e5834-3a29-46b4-9a6f-16142fde533a at 2026-03-01T12:00:00.000000Z';
    expect(excerpt(text)).toBe(text);
  });

  it('never ends with a part of the token', () => {
    for (let before = 1_000; before < 1_030; before += 1) {
      expect(excerpt('x'.repeat(before) + TOKEN)).not.toContain('to<k');
    }
  });

  it('has at most 1024 bytes', () => {
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

describe('the headers of a response', () => {
  it('are kept as text, masked, cookies whole', () => {
    const headers = {
      server: 'nginx',
      'x-echo': `Bearer ${TOKEN}`,
      'set-cookie': ['a=1', 'b=2'],
      'x-to': 'someone@example.com',
      via: ['1.1 one', '1.1 two'],
      'x-odd': 'a\u0007b',
      gone: undefined,
    };
    expect(headersOf(headers, request)).toEqual({
      server: 'nginx',
      'x-echo': 'Bearer […]',
      'set-cookie': '[…]',
      'x-to': '[…]',
      via: '1.1 one, 1.1 two',
      'x-odd': 'a\uFFFDb',
    });
  });

  it('are undefined without headers', () => {
    expect(headersOf({}, request)).toBeUndefined();
  });

  it('are the first KiB of them', () => {
    const many = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`x-${index}`, 'v'.repeat(50)]),
    );
    const kept = headersOf(many, request) ?? {};
    const bytes = Object.entries(kept).flat().join('').length;
    expect([bytes > 900, bytes <= 1_024]).toEqual([true, true]);
    expect(headersOf({ long: 'v'.repeat(9_000) }, request)).toBeUndefined();
  });
});
