import { beforeEach, describe, expect, it } from '@jest/globals';
import { Clock } from '../../service-callbacks/clock.js';
import { PayloadCipher } from '../../service-callbacks/security/payload-cipher.js';
import { SessionSeal } from './session-seal.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

class HeldClock extends Clock {
  ms = Date.parse('2026-03-01T12:00:00Z');

  override now(): number {
    return this.ms;
  }
}

describe('SessionSeal', () => {
  const cipher = new PayloadCipher([`test:${Buffer.alloc(32, 7).toString('base64')}`]);
  let clock: HeldClock;
  let seal: SessionSeal;

  beforeEach(() => {
    clock = new HeldClock();
    seal = new SessionSeal(cipher, clock);
  });

  it('keeps the token, unseen, and gives each session a secret of its own', () => {
    const [one, other] = [seal.start('the-token'), seal.start('the-token')];
    expect(one).not.toContain('the-token');
    expect(seal.open(one)).toMatchObject({ token: 'the-token' });
    expect(seal.open(one)?.csrf).not.toBe(seal.open(other)?.csrf);
  });

  it('is over after half an hour without use', () => {
    const sealed = seal.start('the-token');
    clock.ms += 30 * MINUTE_MS;
    expect(seal.open(sealed)).toBeDefined();
    clock.ms += 1;
    expect(seal.open(sealed)).toBeUndefined();
  });

  it('is renewed once its cookie is a minute old, and over after twelve hours however it is used', () => {
    let sealed = seal.start('the-token');
    expect(renewed(sealed)).toBeUndefined();
    for (const end = clock.ms + 12 * HOUR_MS; clock.ms < end;) {
      clock.ms += 20 * MINUTE_MS;
      sealed = renewed(sealed) ?? sealed;
    }
    expect(seal.open(sealed)).toBeDefined();
    clock.ms += 1;
    expect(seal.open(sealed)).toBeUndefined();
  });

  it.each(['', 'nonsense', 'test.AAAA', cipher.encrypt('{}', 'something-else')])(
    'opens nothing with %j',
    (text) => {
      expect(seal.open(text)).toBeUndefined();
    },
  );

  function renewed(sealed: string): string | undefined {
    const session = seal.open(sealed);
    return session && seal.renew(session);
  }
});
