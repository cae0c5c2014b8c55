import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HealthController } from './health.controller.js';
import { MetricsController } from './metrics.controller.js';

@Module({})
export class MonitoringModule {
  /** @param providers those of `READINESS_CHECKS` and `METRIC_REGISTRIES` */
  static forRoot(providers: Provider[]): DynamicModule {
    return {
      module: MonitoringModule,
      imports: [TerminusModule.forRoot({ logger: false })],
      controllers: [HealthController, MetricsController],
      providers,
    };
  }
}
