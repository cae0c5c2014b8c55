import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { AuthorizedRequest } from './service-scope.decorator.js';

/** Parameter of a handler: the name of the caller's token, for the log. Undefined without a token. */
export const CallerName = createParamDecorator(
  (_: unknown, context: ExecutionContext): string | undefined =>
    context.switchToHttp().getRequest<AuthorizedRequest>().caller?.name,
);
