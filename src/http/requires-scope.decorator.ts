import { SetMetadata } from '@nestjs/common';
import type { ApiScope } from './api-tokens/api-token.js';

export const REQUIRED_SCOPE = 'service-callbacks:required-scope';

/** A route without one is for tokens that have every scope. */
export const RequiresScope = (scope: ApiScope) => SetMetadata(REQUIRED_SCOPE, scope);
