import { DataSource } from 'typeorm';
import type { PostgresOptions } from './data-source-options.js';

/** Runs only these migrations, with a table of migrations of their own. Returns the names of those that ran. */
export async function runMigrations(
  options: PostgresOptions,
  migrations: PostgresOptions['migrations'],
): Promise<string[]> {
  const dataSource = await new DataSource({
    ...options,
    entities: [],
    subscribers: [],
    migrations,
    migrationsTransactionMode: 'each',
    migrationsRun: false,
    synchronize: false,
    dropSchema: false,
    cache: false,
  }).initialize();
  try {
    return (await dataSource.runMigrations()).map(({ name }) => name);
  } finally {
    await dataSource.destroy();
  }
}
