import { createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { Caller } from './api-tokens/api-token.js';

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
