import type { ClientConfig } from 'pg';
import type { DataSource } from 'typeorm';
import { UnsupportedDatabaseError } from './unsupported-database.error.js';

/** The host's own database, for connections of the module's own. @throws UnsupportedDatabaseError */
export function connectionOf({ options }: DataSource): ClientConfig {
  if (options.type !== 'postgres') throw new UnsupportedDatabaseError(options.type);
  const ssl = options.ssl as ClientConfig['ssl'];
  if (options.url !== undefined) return { connectionString: options.url, ssl };
  const { host, port, username, password, database } = options;
  return { host, port, user: username, password: password, database, ssl };
}
