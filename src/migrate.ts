import { loadEnv } from './config/env.js';
import { startEmbeddedPostgres } from './embedded-postgres/embedded-postgres.js';
import { migrateDatabase } from './migrate-database.js';

const env = loadEnv(process.env);
const embedded =
  env.DATABASE_URL === undefined ? await startEmbeddedPostgres({ dataDir: env.DATA_DIR }) : undefined;
try {
  await migrateDatabase(
    env.DATABASE_DIRECT_URL ?? env.DATABASE_URL ?? embedded?.url ?? '',
    env.QUEUE_DATABASE_URL,
  );
  console.log('The service schema and the queue schema are up to date.');
} finally {
  await embedded?.stop();
}
