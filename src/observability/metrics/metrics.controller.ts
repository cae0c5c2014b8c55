import { Controller, Get, Header, Inject, SetMetadata } from '@nestjs/common';
import { Registry } from 'prom-client';
import { METRIC_REGISTRIES } from './metric-registries.js';
import { Public } from '../../http/public.decorator.js';

/** What `@ApiProduces()` sets; named here so that only those who ask for the OpenAPI document load Swagger. */
const OPENAPI_PRODUCES = 'swagger/apiProduces';

@Public()
@Controller('metrics')
export class MetricsController {
  constructor(@Inject(METRIC_REGISTRIES) private readonly registries: readonly Registry[]) {}

  /** Prometheus text format. */
  @Get()
  @SetMetadata(OPENAPI_PRODUCES, ['text/plain'])
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  metrics(): Promise<string> {
    return Registry.merge([...this.registries]).metrics();
  }
}
