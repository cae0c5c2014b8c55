import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ResponseGuard, MAX_BODY_WIRE_BYTES, MAX_HEAD_BYTES } from './response-guard.js';

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n';

/**
 * Reads like undici: in chunks, to the end.
 * @returns the bytes that passed, and whether the reading ended
 */
function admitted(response: string, chunkSize: number): { text: string; isEnded: boolean } {
  const guard = new ResponseGuard();
  guard.expectResponse();
  let text = '';
  for (let at = 0; at < response.length; at += chunkSize) {
    const shown = guard.admit(Buffer.from(response.slice(at, at + chunkSize), 'latin1'));
    if (shown === undefined) return { text, isEnded: true };
    text += shown.toString('latin1');
  }
  return { text, isEnded: false };
}

/** What may separate the lines of a header value, or of a status line's reason. */
const fold = fc.constantFrom('\r\n ', '\r\n\t', '\r\n \t ', ' \r\n  ');

const chunkSize = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 70_000 }));

describe('ResponseGuard', () => {
  it('passes a response through unchanged, in chunks of any size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 32 }),
        fc.integer({ min: 0, max: 30_000 }),
        chunkSize,
        (hints, body, size) => {
          const response = HINTS.repeat(hints) + HEAD + 'x'.repeat(body);
          expect(admitted(response, size)).toEqual({ text: response, isEnded: false });
        },
      ),
      { numRuns: 50 },
    );
  });

  it('unfolds header values, of interim responses too, and leaves the body alone, in chunks of any size', () => {
    fc.assert(
      fc.property(fc.array(fold, { minLength: 1, maxLength: 5 }), chunkSize, (folds, size) => {
        const headers = (lineBreak: (between: string) => string) =>
          `HTTP/1.1 103 Hints\r\nlink: </a>${folds.map(lineBreak).join('b')}\r\n\r\n` +
          `HTTP/1.1 200 OK\r\na:${folds.map(lineBreak).join('c')}\r\nb: d${folds.map(lineBreak).join('')}\r\n\r\n`;
        const body = `{\r\n  "a": 1\r\n\t}\r\n`;

        const expected = headers((between) => between.replace('\r\n', '  ')) + body;

        expect(admitted(headers((between) => between) + body, size)).toEqual({
          text: expected,
          isEnded: false,
        });
      }),
    );
  });

  it('does not treat a line break before the status as a fold', () => {
    const response = 'HTTP/1.1\r\n 200 OK\r\n\r\n';
    expect(admitted(response, 100)).toEqual({ text: response, isEnded: false });
  });

  it('holds back no bytes of a complete response', () => {
    for (const response of [`${HEAD}x\r\n\r`, HEAD, `${HINTS}${HEAD}\r\n`]) {
      expect(admitted(response, 1).text).toBe(response);
    }
  });

  it('passes no head that is too long', () => {
    fc.assert(
      fc.property(fc.integer({ min: MAX_HEAD_BYTES, max: 100_000 }), chunkSize, (length, size) => {
        const { text, isEnded } = admitted(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(length / 6)}\r\n`, size);
        expect(isEnded).toBe(true);
        expect(text.length).toBeLessThanOrEqual(MAX_HEAD_BYTES);
      }),
      { numRuns: 30 },
    );
  });

  it('passes the head of a response whose body is too long, and of the body no more than the limit', () => {
    fc.assert(
      fc.property(chunkSize, (size) => {
        const { text, isEnded } = admitted(HEAD + 'x'.repeat(200_000), size);
        expect(isEnded).toBe(true);
        expect(text).toHaveLength(HEAD.length + MAX_BODY_WIRE_BYTES);
      }),
      { numRuns: 30 },
    );
  });

  it('passes at most 32 interim responses', () => {
    expect(admitted(HINTS.repeat(32) + HEAD, 64)).toMatchObject({ isEnded: false });
    expect(admitted(HINTS.repeat(33) + HEAD, 70_000)).toEqual({ text: '', isEnded: true });
  });

  it('counts anew for each request', () => {
    const guard = new ResponseGuard();
    for (let n = 0; n < 100; n += 1) {
      guard.expectResponse();
      expect(guard.admit(Buffer.from(HINTS + HEAD + 'x'.repeat(1_000)))).toHaveLength(
        HINTS.length + HEAD.length + 1_000,
      );
    }
  });
});
