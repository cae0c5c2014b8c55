import { HttpException, HttpStatus, Injectable } from '@nestjs/common';
import { Clock } from '../../service-callbacks/clock.js';

/** The most wrong tokens of one address in a span of time, ms. Valid tokens are not counted. */
const LIMIT = { failures: 20, windowMs: 60_000 } as const;

/** The most addresses that are remembered; the oldest are forgotten. */
const MAX_ADDRESSES = 10_000;

interface Window {
  failures: number;
  readonly endsAt: number;
}

/** Slows down guesses of tokens, per process. */
@Injectable()
export class SignInLimit {
  private readonly windows = new Map<string, Window>();

  constructor(private readonly clock: Clock) {}

  /** @throws HttpException 429 */
  assertBelow(address: string): void {
    if ((this.windowOf(address)?.failures ?? 0) < LIMIT.failures) return;
    throw new HttpException(
      'Too many wrong tokens from your address. Wait a minute, then try again.',
      HttpStatus.TOO_MANY_REQUESTS,
    );
  }

  failed(address: string): void {
    const window = this.windowOf(address) ?? { failures: 0, endsAt: this.clock.now() + LIMIT.windowMs };
    window.failures += 1;
    this.windows.delete(address);
    this.windows.set(address, window);
    const [oldest] = this.windows.keys();
    if (this.windows.size > MAX_ADDRESSES && oldest !== undefined) this.windows.delete(oldest);
  }

  private windowOf(address: string): Window | undefined {
    const window = this.windows.get(address);
    return window !== undefined && window.endsAt > this.clock.now() ? window : undefined;
  }
}
