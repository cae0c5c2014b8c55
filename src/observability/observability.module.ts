import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HealthController } from './health/health.controller.js';
import { MetricsController } from './metrics/metrics.controller.js';

@Module({})
export class ObservabilityModule {
  /** @param providers those of `READINESS_CHECKS` and `METRIC_REGISTRIES` */
  static forRoot(providers: Provider[]): DynamicModule {
    return {
      module: ObservabilityModule,
      imports: [TerminusModule.forRoot({ logger: false })],
      controllers: [HealthController, MetricsController],
      providers,
    };
  }
}
