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

/** What the service has in its database. */
export const serviceSchema = {
  tables: ['notifications', 'service_callback_api_tokens', ...callbackSchema.tables],
  migrations: serviceMigrations,
  remedy: REMEDY,
} satisfies ExpectedSchema;

/**
 * Brings the service's tables and the schema of the queue up to date, one process at a time.
 * @param queueUrl of the queue's database, where it has one of its own
 * @returns the names of the migrations that ran
 * @throws SetupError; what PostgreSQL responds with: nothing is half applied, each migration is a transaction.
 */
export function migrateDatabase(url: string, queueUrl = url): Promise<string[]> {
  const queue = { connectionString: queueUrl };
  return migrate(dataSourceOptions({ url, poolSize: 1 }), [...serviceMigrations], queue);
}

/**
 * Reads whether tables and queue are up to date and open to this user.
 * @param queueUrl of the queue's database; none: the queue is on Redis
 * @throws SetupError naming all that is missing and the command that brings it.
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
