import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { IS_PUBLIC } from './public.decorator.js';

/** RFC 6750 §2.1; the scheme is case-insensitive (RFC 9110 §11.1). */
const BEARER = /^bearer +([\x21-\x7e]+) *$/i;

/** Lets in whoever has one of `API_TOKENS`; without any, everyone (the server is on loopback then). */
@Injectable()
export class BearerTokenGuard implements CanActivate {
  private readonly digests: readonly Buffer[];

  constructor(
    tokens: readonly string[],
    private readonly reflector: Reflector,
  ) {
    this.digests = tokens.map(digest);
  }

  canActivate(context: ExecutionContext): boolean {
    if (this.digests.length === 0) return true;
    if (this.reflector.getAllAndOverride<boolean>(IS_PUBLIC, [context.getHandler(), context.getClass()]))
      return true;
    const header = context.switchToHttp().getRequest<Request>().headers.authorization;
    const presented = header === undefined ? undefined : BEARER.exec(header)?.[1];
    if (presented === undefined) throw new UnauthorizedException('Authorization: Bearer <token> is required');
    // Digests have one length, and every one is compared: the time tells nothing.
    const actual = digest(presented);
    const matches = this.digests.map((expected) => timingSafeEqual(expected, actual));
    if (!matches.includes(true)) throw new UnauthorizedException('The bearer token is not valid');
    return true;
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
