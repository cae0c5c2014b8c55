import type { ClientConfig } from 'pg';
import type { DataSource } from 'typeorm';
import { UnsupportedDatabaseError } from './unsupported-database.error.js';

/** What `extra` may say of how to connect: TypeORM prefers it to its own options. `stream` is a connector's. */
const FROM_EXTRA = [
  'connectionString',
  'host',
  'port',
  'user',
  'password',
  'database',
  'ssl',
  'stream',
] as const satisfies readonly (keyof ClientConfig)[];

/** The host's own database, its primary, for connections of the module's own. @throws UnsupportedDatabaseError */
export function connectionOf({ options }: DataSource): ClientConfig {
  if (options.type !== 'postgres') throw new UnsupportedDatabaseError(options.type);
  const { url, host, port, username, password, database, ...primary } =
    options.replication?.master ?? options;
  const ssl = primary.ssl as ClientConfig['ssl'];
  const own =
    url === undefined ? { host, port, user: username, password, database } : { connectionString: url };
  const extra = (options.extra ?? {}) as ClientConfig;
  const preferred = FROM_EXTRA.filter((name) => extra[name] !== undefined).map((name) => [name, extra[name]]);
  return { ...own, ssl, ...Object.fromEntries(preferred) };
}
