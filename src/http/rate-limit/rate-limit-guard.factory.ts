import type { CanActivate } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import type { ApiTokens } from '../api-tokens/api-tokens.js';

/**
 * The guard of `API_RATE_LIMIT`. It is loaded when it is first needed: `@nestjs/throttler` is CommonJS and requires the
 * ES module `@nestjs/common`, which Jest allows only after that module has been evaluated.
 */
export async function rateLimitGuard(
  perMinute: number,
  tokens: ApiTokens,
  reflector: Reflector,
): Promise<CanActivate> {
  const { RateLimitGuard } = await import('./rate-limit.guard.js');
  return new RateLimitGuard(perMinute, tokens, reflector);
}
