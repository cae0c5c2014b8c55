import { applyDecorators, SetMetadata } from '@nestjs/common';
import { Public } from '../http/access.decorators.js';

/** The metadata of `@ApiExcludeController()`; named here, so that a host of the console needs no Swagger. */
const NOT_IN_OPENAPI = 'swagger/apiExcludeController';

/**
 * Pages, not a part of the REST API: not in OpenAPI, and not behind its bearer token. The console has its own guards.
 */
export const InConsole = () => applyDecorators(Public(), SetMetadata(NOT_IN_OPENAPI, [true]));
