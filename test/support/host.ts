import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  CallbackApisService,
  serviceCallbackEntities,
  ServiceCallbacksModule,
  ServiceCallbacksProducer,
  type ServiceCallbacksExtras,
  type ServiceCallbacksOptions,
} from 'service-callbacks';
import { DataSource, type Logger } from 'typeorm';

/** A host of the module, without the service around it. */
export interface Host {
  readonly app: Awaited<ReturnType<typeof NestFactory.createApplicationContext>>;
  readonly producer: ServiceCallbacksProducer;
  readonly callbackApis: CallbackApisService;
  readonly dataSource: DataSource;
  /** Every statement on the host's `DataSource` so far. */
  readonly statements: string[];
  close(): Promise<void>;
}

export interface HostOptions extends Partial<ServiceCallbacksOptions> {
  /** Default: the producer alone. */
  readonly extras?: ServiceCallbacksExtras;
  /** The `DataSource`, beyond its URL. */
  readonly typeorm?: Readonly<Record<string, unknown>>;
  readonly entities?: readonly (new () => object)[];
}

@Module({})
class HostModule {}

/** @param url the host's database; the queues are in it as well by default */
export async function startHost(url: string, options: HostOptions = {}): Promise<Host> {
  const { extras = { processors: false }, typeorm = {}, entities = [], ...rest } = options;
  const statements: string[] = [];
  const module: DynamicModule = {
    module: HostModule,
    imports: [
      TypeOrmModule.forRoot({
        type: 'postgres',
        url,
        entities: [...entities, ...serviceCallbackEntities],
        retryAttempts: 0,
        logging: ['query'],
        logger: recordStatements(statements),
        ...typeorm,
      }),
      ServiceCallbacksModule.forRoot({
        queue: { backend: 'postgres' },
        encryptionKeys: [`host:${Buffer.alloc(32, 1).toString('base64')}`],
        addresses: { allowHttp: true, allowedNetworks: ['127.0.0.0/8'] },
        ...extras,
        ...rest,
      }),
    ],
  };
  const app = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
  return {
    app,
    producer: app.get(ServiceCallbacksProducer, { strict: false }),
    callbackApis: app.get(CallbackApisService, { strict: false }),
    dataSource: app.get(DataSource, { strict: false }),
    statements,
    close: () => app.close(),
  };
}

function recordStatements(statements: string[]): Logger {
  const ignore = () => undefined;
  return {
    logQuery: (statement) => void statements.push(statement),
    logQueryError: ignore,
    logQuerySlow: ignore,
    logSchemaBuild: ignore,
    logMigration: ignore,
    log: ignore,
  };
}
