import {
  ForbiddenException,
  Injectable,
  NotFoundException,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { API_SCOPES, EVERYTHING, type ApiScope, type Caller } from './api-tokens/api-token.js';
import { ApiTokens } from './api-tokens/api-tokens.js';
import { bearerTokenOf } from './bearer-token.js';
import { IS_PUBLIC, REQUIRED_SCOPE, CHECKS_SERVICE, type AuthorizedRequest } from './access.decorators.js';

/**
 * Admits a token with the route's scope, and a service's token only to its own service. For another service's path the
 * response is the same whether or not that service exists. A route without a scope is closed to such tokens.
 */
@Injectable()
export class BearerTokenGuard implements CanActivate {
  constructor(
    private readonly tokens: ApiTokens,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.declared(IS_PUBLIC, context)) return true;
    const request = context.switchToHttp().getRequest<AuthorizedRequest>();
    const caller = await this.callerOf(request);
    this.assertOwnService(caller, context, request);
    this.assertScope(caller, context);
    request.caller = caller;
    return true;
  }

  private async callerOf(request: AuthorizedRequest): Promise<Caller> {
    const token = bearerTokenOf(request);
    if (token === undefined) {
      if (!this.tokens.areRequired) return EVERYTHING;
      throw new UnauthorizedException('Authorization: Bearer <token> is required');
    }
    const caller = await this.tokens.callerOf(token);
    if (caller !== undefined) return caller;
    if (!this.tokens.areRequired) return EVERYTHING;
    throw new UnauthorizedException('The bearer token is not valid');
  }

  private assertOwnService(
    { serviceId }: Caller,
    context: ExecutionContext,
    { params, path }: AuthorizedRequest,
  ): void {
    if (serviceId === undefined) return;
    const given = params['service_id'];
    if (given === undefined ? this.declared(CHECKS_SERVICE, context) : isSame(given, serviceId)) return;
    throw new NotFoundException(
      given === undefined ? `There is no ${path}` : 'The bearer token is for another service',
    );
  }

  private assertScope({ scopes }: Caller, context: ExecutionContext): void {
    const declared = this.declared(REQUIRED_SCOPE, context) as ApiScope | undefined;
    const missing = (declared === undefined ? API_SCOPES : [declared]).filter((scope) => !scopes.has(scope));
    if (missing.length > 0) throw new ForbiddenException(`The token lacks ${missing.join(', ')}`);
  }

  private declared(key: string, context: ExecutionContext): unknown {
    return this.reflector.getAllAndOverride<unknown>(key, [context.getHandler(), context.getClass()]);
  }
}

function isSame(given: string | readonly string[], serviceId: string): boolean {
  return typeof given === 'string' && given.toLowerCase() === serviceId;
}
