import { dataSourceOptions } from './database/data-source-options.js';
import { serviceMigrations } from './database/service-migrations.js';
import { withDataSource } from './database/open-data-source.js';
import { callbackSchema } from './service-callbacks/setup/callback-schema.js';
import { databaseFaults, type ExpectedSchema } from './service-callbacks/setup/database-faults.js';
import { assertNoFaults } from './service-callbacks/setup-error.js';
import { migrate } from './service-callbacks/setup/migrate.js';
import { queueFaults } from './service-callbacks/setup/queue-faults.js';

const REMEDY =
  'run `npm run migration:run` (`npx service-callbacks migrate` in the image), or start with MIGRATE_ON_START=true';

/** The tables of the service. */
export const serviceSchema = {
  tables: ['notifications', 'service_callback_api_tokens', ...callbackSchema.tables],
  migrations: serviceMigrations,
  remedy: REMEDY,
} satisfies ExpectedSchema;

/**
 * Brings the service's tables and the schema of the queue up to date, one process at a time.
 * @param queueUrl the queue's database, if it has its own
 * @returns the names of the migrations that ran
 * @throws SetupError; also PostgreSQL's errors. Each migration is a transaction, so none is half applied.
 */
export function migrateDatabase(url: string, queueUrl = url): Promise<string[]> {
  const queue = { connectionString: queueUrl };
  return migrate(dataSourceOptions({ url, poolSize: 1 }), [...serviceMigrations], queue);
}

/**
 * Checks that tables and queue are up to date, and that this user may use them.
 * @param queueUrl the queue's database; undefined: the queue is on Redis
 * @throws SetupError naming everything that is missing, and the command that adds it
 */
export async function assertDatabaseIsCurrent(url: string, queueUrl: string | undefined): Promise<void> {
  assertNoFaults([
    ...(await withDataSource({ url, poolSize: 1 }, (dataSource) =>
      databaseFaults(dataSource, serviceSchema),
    )),
    ...(queueUrl === undefined
      ? []
      : await queueFaults({ connectionString: queueUrl }, { migrates: false, remedy: REMEDY })),
  ]);
}
