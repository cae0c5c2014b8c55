import { DataSource } from 'typeorm';
import { BoundedClient } from './bounded-client.js';
import { dataSourceOptions, type DatabaseOptions } from './data-source-options.js';

/** A connected `DataSource`; the caller closes it. */
export function openDataSource(options: DatabaseOptions): Promise<DataSource> {
  const { extra, ...rest } = dataSourceOptions(options);
  return new DataSource({ ...rest, extra: { ...extra, Client: BoundedClient } }).initialize();
}
