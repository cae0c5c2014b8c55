import { Injectable, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ThrottlerGuard } from '@nestjs/throttler';
import type { Request } from 'express';
import { ApiTokens } from '../api-tokens/api-tokens.js';
import { addressOf } from '../address-of.js';
import { bearerTokenOf } from '../bearer-token.js';
import { IS_PUBLIC } from '../access.decorators.js';
import { FixedWindows } from './fixed-windows.js';

const WINDOW_MS = 60_000;

/**
 * Limits requests a minute for each known token, or else for each address (`API_RATE_LIMIT`). It runs before the token
 * check, so that it also limits guesses. Health and metrics are exempt.
 */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  constructor(
    private readonly perMinute: number,
    private readonly tokens: ApiTokens,
    reflector: Reflector,
  ) {
    super(
      { throttlers: [{ ttl: WINDOW_MS, limit: perMinute }], generateKey: (_, tracker) => tracker },
      new FixedWindows(),
      reflector,
    );
    this.errorMessage = `more than ${perMinute} requests in a minute`;
  }

  protected override async shouldSkip(context: ExecutionContext): Promise<boolean> {
    if (this.perMinute === 0) return true;
    const targets = [context.getHandler(), context.getClass()];
    return this.reflector.getAllAndOverride<boolean | undefined>(IS_PUBLIC, targets) ?? false;
  }

  protected override async getTracker(request: Request): Promise<string> {
    const token = bearerTokenOf(request);
    const known = token === undefined ? undefined : this.tokens.knownDigestOf(token);
    return known ?? addressOf(request);
  }
}
