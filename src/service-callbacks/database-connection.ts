import type { ClientConfig } from 'pg';
import type { DataSource } from 'typeorm';
import { UnsupportedDatabaseError } from './unsupported-database.error.js';

/** The host's own database, its primary, for connections of the module's own. @throws UnsupportedDatabaseError */
export function connectionOf({ options }: DataSource): ClientConfig {
  if (options.type !== 'postgres') throw new UnsupportedDatabaseError(options.type);
  const primary = options.replication?.master ?? options;
  const { ssl: extraSsl } = (options.extra ?? {}) as Pick<ClientConfig, 'ssl'>;
  const ssl = extraSsl ?? (primary.ssl as ClientConfig['ssl']);
  if (primary.url !== undefined) return { connectionString: primary.url, ssl };
  const { host, port, username, password, database } = primary;
  return { host, port, user: username, password, database, ssl };
}
