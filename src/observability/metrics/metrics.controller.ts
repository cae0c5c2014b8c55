import { Controller, Get, Header, Inject } from '@nestjs/common';
import { ApiProduces } from '@nestjs/swagger';
import { Registry } from 'prom-client';
import { METRIC_REGISTRIES } from './metric-registries.js';
import { Public } from '../../http/public.decorator.js';

@Public()
@Controller('metrics')
export class MetricsController {
  constructor(@Inject(METRIC_REGISTRIES) private readonly registries: readonly Registry[]) {}

  /** Prometheus text format. */
  @Get()
  @ApiProduces('text/plain')
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  metrics(): Promise<string> {
    return Registry.merge([...this.registries]).metrics();
  }
}
