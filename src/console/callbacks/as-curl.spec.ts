import { execFileSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { asCurl } from './as-curl.js';

describe('as curl', () => {
  it.each([
    'https://example.com/callbacks?a=1&b=$(id)',
    "https://example.com/it's",
    'https://example.com/`id`;$HOME',
  ])('a shell takes %s for what it is, and the token is not there', (url) => {
    const command = asCurl(url, 'an-id').replace(/^curl/, `printf '%s\\n'`);
    const words = execFileSync('/bin/sh', ['-c', command], { env: { PATH: process.env['PATH'] } }).toString();
    const lines = words.split('\n');
    expect(lines).toContain(url);
    expect(lines).toContain('authorization: Bearer ');
    expect(lines).toContain('webhook-id: an-id');
  });
});
