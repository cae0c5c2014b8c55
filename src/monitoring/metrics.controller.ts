import { Controller, Get, Header, Inject } from '@nestjs/common';
import { Registry, collectDefaultMetrics } from 'prom-client';
import { z } from 'zod';
import { Operation, OperationsOf } from '../http/operation.decorator.js';
import { Public } from '../http/access.decorators.js';

const metricsText = z.string().meta({
  examples: ['# TYPE service_callback_attempts_total counter\n'],
});

/** Every `Registry` whose metrics this process serves; the application composes the list. */
export const METRIC_REGISTRIES = Symbol('METRIC_REGISTRIES');

/** prom-client's default of 10 ms wakes the process a hundred times a second: 0.9 % of a core while nothing happens. */
const EVENT_LOOP_PRECISION_MS = 100;

/**
 * CPU, memory, event-loop delay and garbage collection, in a registry of its own: the default registry belongs to the
 * whole process.
 */
export function processMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS });
  return registry;
}

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
