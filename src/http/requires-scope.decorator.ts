import { applyDecorators, SetMetadata } from '@nestjs/common';
import type { ApiScope } from './api-tokens/api-token.js';
import { OPENAPI, SCOPE_EXTENSION } from './openapi-metadata.js';

export const REQUIRED_SCOPE = 'service-callbacks:required-scope';

/** The scope that a route needs. A route without it needs a token with every scope. */
export const RequiresScope = (scope: ApiScope) =>
  applyDecorators(
    SetMetadata(REQUIRED_SCOPE, scope),
    SetMetadata(OPENAPI.extension, { [SCOPE_EXTENSION]: scope }),
  );
