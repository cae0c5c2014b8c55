import { applyDecorators, SetMetadata } from '@nestjs/common';
import { OPENAPI } from './openapi-metadata.js';

export const IS_PUBLIC = 'service-callbacks:public';

/** For a controller without API tokens: health and metrics. */
export const Public = () => applyDecorators(SetMetadata(IS_PUBLIC, true), SetMetadata(OPENAPI.security, []));
