import type { ClientConfig } from 'pg';
import type { DataSource } from 'typeorm';
import type { PostgresOptions } from '../../database/data-source-options.js';
import type { QueueOptions } from '../service-callbacks.options.js';
import { SetupError } from './errors.js';

/** @throws SetupError where it is not PostgreSQL. */
export function postgresOptions({ options }: Pick<DataSource, 'options'>): PostgresOptions {
  if (options.type !== 'postgres')
    throw new SetupError([
      `The DataSource is of type ${options.type}: service callbacks need PostgreSQL. Name another one with the ` +
        '`dataSource` option of ServiceCallbacksModule.forRoot.',
    ]);
  return options;
}

/** The host's own database, its primary, for connections of the module's own. @throws SetupError */
export function connectionOf(dataSource: Pick<DataSource, 'options'>): ClientConfig {
  const options = postgresOptions(dataSource);
  const primary = options.replication?.master ?? options;
  const { ssl: extraSsl } = (options.extra ?? {}) as Pick<ClientConfig, 'ssl'>;
  const ssl = extraSsl ?? (primary.ssl as ClientConfig['ssl']);
  if (primary.url !== undefined) return { connectionString: primary.url, ssl };
  const { host, port, username, password, database } = primary;
  return { host, port, user: username, password, database, ssl };
}

/** The database of a queue on PostgreSQL: its own, or else the host's. @throws SetupError */
export function queueConnectionOf(
  { url }: Extract<QueueOptions, { backend: 'postgres' }>,
  dataSource: Pick<DataSource, 'options'>,
): ClientConfig {
  return url === undefined ? connectionOf(dataSource) : { connectionString: url };
}
