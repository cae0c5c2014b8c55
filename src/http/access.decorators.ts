import { applyDecorators, SetMetadata, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { OPENAPI, SCOPE_EXTENSION } from './openapi-metadata.js';
import type { ApiScope, Caller } from './api-tokens/api-token.js';
import type { Request } from 'express';

export const IS_PUBLIC = 'service-callbacks:public';

/** Of a controller that needs no API token: health and metrics. */
export const Public = () => applyDecorators(SetMetadata(IS_PUBLIC, true), SetMetadata(OPENAPI.security, []));

export const REQUIRED_SCOPE = 'service-callbacks:required-scope';

/** A route without one is for tokens that have every scope. */
export const RequiresScope = (scope: ApiScope) =>
  applyDecorators(
    SetMetadata(REQUIRED_SCOPE, scope),
    SetMetadata(OPENAPI.extension, { [SCOPE_EXTENSION]: scope }),
  );

export const CHECKS_SERVICE = 'service-callbacks:checks-service';

/**
 * On a route without `:service_id`: the handler itself keeps a caller to its own service, by
 * {@link ServiceScope}. Without this a service's token does not get in there at all.
 */
export const ChecksService = () => SetMetadata(CHECKS_SERVICE, true);

/** A request that the guard has let in. */
export interface AuthorizedRequest extends Request {
  caller?: Caller;
}

/** Parameter of a handler: the only service whose rows the caller may see; undefined: all of them. */
export const ServiceScope = createParamDecorator(
  (_: unknown, context: ExecutionContext): string | undefined =>
    context.switchToHttp().getRequest<AuthorizedRequest>().caller?.serviceId,
);

/**
 * Parameter of a handler: whether the caller's token has a scope that only a part of what the route does needs.
 * True where a host's own guards let the caller in: scopes are the service's.
 */
export const CallerHas = createParamDecorator(
  (scope: ApiScope, context: ExecutionContext): boolean =>
    context.switchToHttp().getRequest<AuthorizedRequest>().caller?.scopes.has(scope) ?? true,
);

/** Parameter of a handler: the name of the caller's token, for the log. Undefined where there is no token. */
export const CallerName = createParamDecorator(
  (_: unknown, context: ExecutionContext): string | undefined =>
    context.switchToHttp().getRequest<AuthorizedRequest>().caller?.name,
);
