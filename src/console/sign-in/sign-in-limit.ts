import { HttpException, HttpStatus, Injectable } from '@nestjs/common';
import { FixedWindows } from '../../http/rate-limit/fixed-windows.js';

/** The most wrong tokens of one address in a span of time, ms. Valid tokens are not counted. */
const LIMIT = { failures: 20, windowMs: 60_000 } as const;

/** Slows down guesses of tokens, per process. */
@Injectable()
export class SignInLimit {
  private readonly windows = new FixedWindows();

  /** @throws HttpException 429 */
  assertBelow(address: string): void {
    if (this.windows.hitsOf(address) < LIMIT.failures) return;
    throw new HttpException(
      'Too many wrong tokens from your address. Wait a minute, then try again.',
      HttpStatus.TOO_MANY_REQUESTS,
    );
  }

  async failed(address: string): Promise<void> {
    await this.windows.increment(address, LIMIT.windowMs, LIMIT.failures);
  }
}
