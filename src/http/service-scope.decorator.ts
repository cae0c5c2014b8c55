import { createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { Caller } from './api-tokens/api-token.js';

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
