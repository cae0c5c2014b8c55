import type { Env } from '../config/variables.js';
import { startEmbeddedPostgres } from '../embedded-postgres/embedded-postgres.js';

/** The configured database, or the embedded one for as long as it is needed. */
export async function withDatabaseUrl(
  { DATABASE_URL, DATA_DIR }: Pick<Env, 'DATABASE_URL' | 'DATA_DIR'>,
  use: (url: string) => Promise<void>,
): Promise<void> {
  if (DATABASE_URL !== undefined) return use(DATABASE_URL);
  const embedded = await startEmbeddedPostgres({ dataDir: DATA_DIR });
  try {
    await use(embedded.url);
  } finally {
    await embedded.stop();
  }
}
