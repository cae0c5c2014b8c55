import { applyDecorators, SetMetadata } from '@nestjs/common';
import { Public } from '../http/access.decorators.js';

/** What `@ApiExcludeController()` sets; named here so that a host of the console needs no Swagger. */
const NOT_IN_OPENAPI = 'swagger/apiExcludeController';

/** Pages, not a part of the REST API: neither in OpenAPI nor behind its bearer token. The console's own guards watch. */
export const InConsole = () => applyDecorators(Public(), SetMetadata(NOT_IN_OPENAPI, [true]));
