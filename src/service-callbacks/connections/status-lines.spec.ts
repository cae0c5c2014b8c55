import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { StatusLines } from './status-lines.js';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const PROCESSING = 'HTTP/1.1 102 Continue\r\n\r\n';

function rewritten(response: string, chunkSizes: readonly number[] = [response.length]): string {
  const lines = new StatusLines();
  lines.expectStatusLine();
  const bytes = Buffer.from(response, 'latin1');
  let from = 0;
  for (const size of [...chunkSizes, bytes.length]) {
    lines.rewrite(bytes.subarray(from, from + size));
    from += size;
  }
  return bytes.toString('latin1');
}

describe('StatusLines', () => {
  it.each([
    ['one', `${CONTINUE}HTTP/1.1 200 OK\r\n\r\n`, `${PROCESSING}HTTP/1.1 200 OK\r\n\r\n`],
    [
      'two',
      `${CONTINUE}${CONTINUE}HTTP/1.1 200 OK\r\n\r\n`,
      `${PROCESSING}${PROCESSING}HTTP/1.1 200 OK\r\n\r\n`,
    ],
    [
      'one after early hints',
      `HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n${CONTINUE}`,
      `HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n${PROCESSING}`,
    ],
    [
      'one with headers',
      'HTTP/1.1 100 Go\r\na: b\r\n\r\nHTTP/1.1 100',
      'HTTP/1.1 102 Go\r\na: b\r\n\r\nHTTP/1.1 102',
    ],
    ['one with bare line feeds', 'HTTP/1.1 100 Go\n\nHTTP/1.1 200 OK', 'HTTP/1.1 102 Go\n\nHTTP/1.1 200 OK'],
    ['one of HTTP/1.0', 'HTTP/1.0 100 Continue\r\n\r\n', 'HTTP/1.0 102 Continue\r\n\r\n'],
  ])('turns 100 into 102: %s', (_name, response, expected) => {
    expect(rewritten(response)).toBe(expected);
  });

  it.each([
    ['HTTP/1.2 200 OK\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n'],
    ['HTTP/1.9 100 Go\r\n\r\nHTTP/1.3 404', 'HTTP/1.1 102 Go\r\n\r\nHTTP/1.1 404'],
    ['\r\nHTTP/1.2 204 OK', '\r\nHTTP/1.1 204 OK'],
  ])('reads a higher minor version as 1.1: %j', (response, expected) => {
    expect(rewritten(response)).toBe(expected);
  });

  it.each([
    'HTTP/1.0 200 OK\r\n\r\n',
    'HTTP/2.2 200 OK\r\n\r\n',
    'HTTP/1.: 200 OK\r\n\r\n',
    'http/1.2 200 OK\r\n\r\n',
    `HTTP/1.1 200 OK\r\n\r\n${CONTINUE}`,
    'HTTP/1.1 101 Switching Protocols\r\n\r\n',
    'HTTP/1.1 500 HTTP/1.1 100\r\n\r\n',
    'not HTTP at all 100',
    '',
  ])('leaves %j unchanged', (response) => {
    expect(rewritten(response)).toBe(response);
  });

  it('works for chunks of any size', () => {
    const response = `${CONTINUE}HTTP/1.2 103 Early Hints\r\n\r\n${CONTINUE}HTTP/1.1 200 OK\r\n\r\n${CONTINUE}`;
    fc.assert(
      fc.property(fc.array(fc.nat(20)), (sizes) => {
        expect(rewritten(response, sizes)).toBe(rewritten(response));
      }),
    );
  });
});
