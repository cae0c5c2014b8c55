import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { HealthController } from './health/health.controller.js';
import { MetricsController } from './metrics/metrics.controller.js';

/** A registry of its own: prom-client's default one is the whole process's. */
const registryProvider: Provider = {
  provide: Registry,
  useFactory: () => {
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    return registry;
  },
};

@Module({})
export class ObservabilityModule {
  /** @param readinessChecks provides `READINESS_CHECKS`. */
  static forRoot(readinessChecks: Provider): DynamicModule {
    return {
      module: ObservabilityModule,
      imports: [TerminusModule.forRoot({ logger: false })],
      controllers: [HealthController, MetricsController],
      providers: [registryProvider, readinessChecks],
      exports: [Registry],
    };
  }
}
