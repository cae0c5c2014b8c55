import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { ApiScope } from './api-tokens/api-token.js';
import type { AuthorizedRequest } from './service-scope.decorator.js';

/**
 * Parameter of a handler: whether the caller's token has a scope that only a part of what the route does needs.
 * True where a host's own guards let the caller in: scopes are the service's.
 */
export const CallerHas = createParamDecorator(
  (scope: ApiScope, context: ExecutionContext): boolean =>
    context.switchToHttp().getRequest<AuthorizedRequest>().caller?.scopes.has(scope) ?? true,
);
