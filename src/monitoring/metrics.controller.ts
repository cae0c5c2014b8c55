import { Controller, Get, Header, Inject } from '@nestjs/common';
import { Registry } from 'prom-client';
import { z } from 'zod';
import { Operation, OperationsOf } from '../http/operation.decorator.js';
import { METRIC_REGISTRIES } from './metric-registries.js';
import { Public } from '../http/public.decorator.js';

const metricsText = z.string().meta({
  examples: ['# TYPE service_callback_attempts_total counter\n'],
});

@Public()
@OperationsOf('Operations')
@Controller('metrics')
export class MetricsController {
  constructor(@Inject(METRIC_REGISTRIES) private readonly registries: readonly Registry[]) {}

  @Get()
  @Operation({
    summary: 'Metrics in the text format of Prometheus',
    status: 200,
    response: metricsText,
    contentType: 'text/plain',
  })
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  metrics(): Promise<string> {
    return Registry.merge([...this.registries]).metrics();
  }
}
