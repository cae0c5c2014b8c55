import { applyDecorators, SetMetadata } from '@nestjs/common';
import { OPENAPI } from './openapi-metadata.js';

export const IS_PUBLIC = 'service-callbacks:public';

/** Of a controller that needs no API token: health and metrics. */
export const Public = () => applyDecorators(SetMetadata(IS_PUBLIC, true), SetMetadata(OPENAPI.security, []));
