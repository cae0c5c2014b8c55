/**
 * The PostgreSQL of one test run, as a process of its own that global-setup.ts starts. It sends the environment that
 * tests need once the template exists, and cleans up when its parent ends, however that happens.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.js';
import { migrateDatabase } from '../../src/migrate-database.js';
import { ADMIN_URL_VARIABLE, REDIS_URL_VARIABLE, TEMPLATE_DATABASE } from './database-names.js';
import { startRedisServer } from './redis-server.js';

/** A cluster that is thrown away need not survive a power cut. */
const SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '500',
};

const parentIsGone = new Promise<void>((resolve) => process.once('disconnect', resolve));
// A terminal's Ctrl-C is Jest's to handle; its end disconnects us.
process.on('SIGINT', () => undefined);

const dataDir = await mkdtemp(join(tmpdir(), 'service-callbacks-test-'));
try {
  const [cluster, redis] = await Promise.all([
    startEmbeddedPostgres({ dataDir, settings: SETTINGS }),
    // jest.config.js has reported that it is missing.
    startRedisServer().catch(() => undefined),
  ]);
  try {
    await createTemplate(cluster.url);
    process.send?.({
      [ADMIN_URL_VARIABLE]: cluster.url,
      ...(redis && { [REDIS_URL_VARIABLE]: redis.url }),
    });
    await parentIsGone;
  } finally {
    await Promise.all([cluster.stop(), redis?.stop()]);
  }
} finally {
  await rm(dataDir, { recursive: true, force: true });
}

async function createTemplate(adminUrl: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${TEMPLATE_DATABASE}`);
    const url = new URL(adminUrl);
    url.pathname = TEMPLATE_DATABASE;
    await migrateDatabase(url.href);
    await client.query(`ALTER DATABASE ${TEMPLATE_DATABASE} ALLOW_CONNECTIONS false IS_TEMPLATE true`);
    // Every clone begins with a checkpoint. Without this one, the first test would wait for that of the migrations.
    await client.query('CHECKPOINT');
  } finally {
    await client.end();
  }
}
