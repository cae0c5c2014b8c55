import type { ClientConfig } from 'pg';
import type { DataSource } from 'typeorm';
import type { PostgresOptions } from '../../database/data-source-options.js';
import type { QueueOptions } from '../service-callbacks.options.js';
import { SetupError } from '../setup-error.js';

/** @throws SetupError if it is not PostgreSQL */
export function postgresOptions({ options }: Pick<DataSource, 'options'>): PostgresOptions {
  if (options.type !== 'postgres')
    throw new SetupError([
      `The DataSource is of type ${options.type}: service callbacks need PostgreSQL. Name another one with the ` +
        '`dataSource` option of ServiceCallbacksModule.forRoot.',
    ]);
  return options;
}

/** Fields of `extra` that say how to connect: TypeORM prefers them to its own options. A connector sets `stream`. */
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

/**
 * The host's database, its primary, for connections of the module's own.
 * @throws SetupError
 */
export function connectionOf(dataSource: Pick<DataSource, 'options'>): ClientConfig {
  const options = postgresOptions(dataSource);
  const { url, host, port, username, password, database, ...primary } =
    options.replication?.master ?? options;
  const ssl = primary.ssl as ClientConfig['ssl'];
  const own =
    url === undefined ? { host, port, user: username, password, database } : { connectionString: url };
  const extra = (options.extra ?? {}) as ClientConfig;
  const preferred = FROM_EXTRA.filter((name) => extra[name] !== undefined).map((name) => [name, extra[name]]);
  return { ...own, ssl, ...(Object.fromEntries(preferred) as ClientConfig) };
}

/**
 * The database of a queue on PostgreSQL: its own, or the host's.
 * @throws SetupError
 */
export function queueConnectionOf(
  { url }: Extract<QueueOptions, { backend: 'postgres' }>,
  dataSource: Pick<DataSource, 'options'>,
): ClientConfig {
  return url === undefined ? connectionOf(dataSource) : { connectionString: url };
}
