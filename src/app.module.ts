import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, Reflector } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { LoggerModule } from 'nestjs-pino';
import type { DestinationStream } from 'pino';
import type { DataSource } from 'typeorm';
import type { Env } from './config/variables.js';
import { ApiTokenAccess } from './console/api-token-access.js';
import { ConsoleAccess } from './console/console-access.js';
import { ConsoleModule, SubjectLookup } from './console/console.module.js';
import { ApiTokens } from './http/api-tokens/api-tokens.js';
import { ApiTokensModule } from './http/api-tokens/api-tokens.module.js';
import { BearerTokenGuard } from './http/bearer-token.guard.js';
import { HttpErrorFilter } from './http/http-error.filter.js';
import { KnownPaths } from './http/known-paths.js';
import { rateLimitGuard } from './http/rate-limit/rate-limit-guard.factory.js';
import { NotificationDao } from './notifications/notification.dao.js';
import { NotificationLookup } from './notifications/notification-lookup.js';
import { NotificationsDataModule } from './notifications/notifications-data.module.js';
import { NotificationsModule } from './notifications/notifications.module.js';
import { READINESS_CHECKS, type ReadinessCheck } from './monitoring/health.controller.js';
import { loggingParams } from './observability/logging.js';
import { METRIC_REGISTRIES, processMetrics } from './monitoring/metrics.controller.js';
import { MonitoringModule } from './monitoring/monitoring.module.js';
import { ServiceLogger } from './observability/service-logger.js';
import { ServiceCallbacksHealth } from './service-callbacks/operations/service-callbacks-health.js';
import { CallbackMetrics } from './service-callbacks/metrics/callback-metrics.js';
import { optionsOf } from './service-callbacks/options-from-env.js';
import { ServiceCallbacksModule } from './service-callbacks/service-callbacks.module.js';

export interface ServiceSeams {
  /** The destination of log lines, in place of standard output. */
  readonly logStream?: DestinationStream;
}

/** The service: composition only. */
@Module({})
export class AppModule {
  /** @param dataSource connected; the application closes it */
  static forRoot(env: Env, dataSource: DataSource, seams: ServiceSeams = {}): DynamicModule {
    const servesApi = env.PROCESS_ROLE !== 'worker';
    const apiTokens = ApiTokensModule.forRoot(env.API_TOKENS);
    return {
      module: AppModule,
      imports: [
        LoggerModule.forRoot(
          loggingParams({ level: env.LOG_LEVEL, format: env.LOG_FORMAT, stream: seams.logStream }),
        ),
        TypeOrmModule.forRootAsync({
          useFactory: () => dataSource.options,
          dataSourceFactory: async () => dataSource,
        }),
        ServiceCallbacksModule.forRoot({
          ...optionsOf(env),
          isGlobal: true,
          processors: env.PROCESS_ROLE !== 'api',
          controllers: servesApi,
          imports: [NotificationsDataModule],
          notificationSource: NotificationLookup,
        }),
        apiTokens,
        ...(servesApi ? [NotificationsModule] : []),
        ...(servesApi && env.CONSOLE
          ? [
              ConsoleModule.forRoot({
                access: consoleAccess,
                subjects: notificationsByReference,
                imports: [apiTokens, NotificationsDataModule],
                links: { docs: '/docs', runbook: env.CONSOLE_RUNBOOK_URL },
              }),
            ]
          : []),
        MonitoringModule.forRoot([readinessChecks, metricRegistries]),
      ],
      providers: [
        { provide: APP_FILTER, useClass: HttpErrorFilter },
        KnownPaths,
        ServiceLogger,
        {
          provide: APP_GUARD,
          inject: [ApiTokens, Reflector],
          useFactory: (tokens: ApiTokens, reflector: Reflector) =>
            rateLimitGuard(env.API_RATE_LIMIT, tokens, reflector),
        },
        {
          provide: APP_GUARD,
          inject: [ApiTokens, Reflector],
          useFactory: (tokens: ApiTokens, reflector: Reflector) => new BearerTokenGuard(tokens, reflector),
        },
      ],
    };
  }
}

const consoleAccess: Provider = {
  provide: ConsoleAccess,
  inject: [ApiTokens],
  useFactory: (tokens: ApiTokens) => new ApiTokenAccess(tokens),
};

const notificationsByReference: Provider = {
  provide: SubjectLookup,
  inject: [NotificationDao],
  useFactory: (notifications: NotificationDao): SubjectLookup => ({
    findByReference: (...query) => notifications.idsByReference(...query),
  }),
};

const metricRegistries: Provider = {
  provide: METRIC_REGISTRIES,
  inject: [CallbackMetrics],
  useFactory: ({ registry }: CallbackMetrics) => [processMetrics(), registry],
};

const readinessChecks: Provider = {
  provide: READINESS_CHECKS,
  inject: [ServiceCallbacksHealth],
  useFactory: ({ parts }: ServiceCallbacksHealth): readonly ReadinessCheck[] => parts,
};
