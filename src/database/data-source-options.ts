import type { DataSourceOptions } from 'typeorm';
import { serviceMigrations } from './service-migrations.js';

export interface DatabaseOptions {
  readonly url: string;
  /** Connections TypeORM may hold. */
  readonly poolSize: number;
  readonly entities?: DataSourceOptions['entities'];
}

export function dataSourceOptions({ url, poolSize, entities = [] }: DatabaseOptions) {
  return {
    type: 'postgres',
    url,
    poolSize,
    entities,
    migrations: [...serviceMigrations],
    migrationsTransactionMode: 'each',
    synchronize: false,
    applicationName: 'service-callbacks',
    // A pool that is used up answers with an error in bounded time, never with a hang.
    connectTimeoutMS: 5_000,
    extra: { keepAlive: true },
  } satisfies DataSourceOptions;
}
