import { applyDecorators, SetMetadata, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { OPENAPI, SCOPE_EXTENSION } from './openapi-metadata.js';
import type { ApiScope, Caller } from './api-tokens/api-token.js';
import type { Request } from 'express';

export const IS_PUBLIC = 'service-callbacks:public';

/** For a controller without API tokens: health and metrics. */
export const Public = () => applyDecorators(SetMetadata(IS_PUBLIC, true), SetMetadata(OPENAPI.security, []));

export const REQUIRED_SCOPE = 'service-callbacks:required-scope';

/** The scope that a route needs. A route without it needs a token with every scope. */
export const RequiresScope = (scope: ApiScope) =>
  applyDecorators(
    SetMetadata(REQUIRED_SCOPE, scope),
    SetMetadata(OPENAPI.extension, { [SCOPE_EXTENSION]: scope }),
  );

export const CHECKS_SERVICE = 'service-callbacks:checks-service';

/**
 * For a route without `:service_id` whose handler limits a caller to its own service, by {@link ServiceScope}. Without
 * this decorator the route is closed to a service's token.
 */
export const ChecksService = () => SetMetadata(CHECKS_SERVICE, true);

/** A request that passed the guard. */
export interface AuthorizedRequest extends Request {
  caller?: Caller;
}

/** Parameter of a handler: the only service whose rows the caller may access; undefined: all services. */
export const ServiceScope = createParamDecorator(
  (_: unknown, context: ExecutionContext): string | undefined =>
    context.switchToHttp().getRequest<AuthorizedRequest>().caller?.serviceId,
);

/**
 * Parameter of a handler: whether the caller's token has a scope that only a part of the route needs. True in a host,
 * whose own guards admit the caller: scopes belong to the service.
 */
export const CallerHas = createParamDecorator(
  (scope: ApiScope, context: ExecutionContext): boolean =>
    context.switchToHttp().getRequest<AuthorizedRequest>().caller?.scopes.has(scope) ?? true,
);

/** Parameter of a handler: the name of the caller's token, for the log. Undefined without a token. */
export const CallerName = createParamDecorator(
  (_: unknown, context: ExecutionContext): string | undefined =>
    context.switchToHttp().getRequest<AuthorizedRequest>().caller?.name,
);
