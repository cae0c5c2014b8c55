import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { ApiScope } from './api-tokens/api-token.js';
import type { AuthorizedRequest } from './service-scope.decorator.js';

/**
 * Parameter of a handler: whether the caller's token has a scope that only a part of the route needs. True in a host,
 * whose own guards admit the caller: scopes belong to the service.
 */
export const CallerHas = createParamDecorator(
  (scope: ApiScope, context: ExecutionContext): boolean =>
    context.switchToHttp().getRequest<AuthorizedRequest>().caller?.scopes.has(scope) ?? true,
);
