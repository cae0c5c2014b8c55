import type { DataSourceOptions } from 'typeorm';

export type PostgresOptions = Extract<DataSourceOptions, { type: 'postgres' }>;

export interface DatabaseOptions {
  readonly url: string;
  /** The most connections of TypeORM's pool. */
  readonly poolSize: number;
  readonly entities?: DataSourceOptions['entities'];
  readonly migrations?: DataSourceOptions['migrations'];
  /** The table of migrations; default `migrations`. */
  readonly migrationsTableName?: string | undefined;
}

export function dataSourceOptions({
  url,
  poolSize,
  entities = [],
  migrations = [],
  migrationsTableName,
}: DatabaseOptions) {
  return {
    type: 'postgres',
    url,
    poolSize,
    entities,
    migrations,
    migrationsTableName,
    migrationsTransactionMode: 'each',
    synchronize: false,
    applicationName: 'service-callbacks',
    // If the pool is exhausted, a caller gets an error in bounded time.
    connectTimeoutMS: 5_000,
    extra: { keepAlive: true },
  } satisfies PostgresOptions;
}
