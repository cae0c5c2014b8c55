import { serviceCallbackMigrations } from '../../database/migrations/migrations.js';
import type { ExpectedSchema } from './database-faults.js';

/** The module's tables in a host's database. */
export const callbackSchema = {
  tables: [
    'service_callback_apis',
    'service_callback_endpoint_health',
    'service_callback_endpoint_hours',
    'service_callback_holds',
    'service_callback_minutes',
    'service_callback_news',
    'service_callback_payloads',
    'service_callback_processes',
    'service_callback_replays',
    'service_callbacks',
  ],
  migrations: serviceCallbackMigrations,
  remedy:
    'run `npx service-callbacks migrate`, call `migrateServiceCallbacks(dataSource)`, or list `serviceCallbackMigrations` ' +
    'in the `migrations` of the DataSource and run them (`migrationsRun: true`)',
} satisfies ExpectedSchema;
