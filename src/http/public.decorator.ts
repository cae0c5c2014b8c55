import { SetMetadata } from '@nestjs/common';

export const IS_PUBLIC = 'service-callbacks:public';

/** Needs no API token: health and metrics. */
export const Public = () => SetMetadata(IS_PUBLIC, true);
