import { DataSource } from 'typeorm';
import { BoundedClient } from './bounded-client.js';
import { dataSourceOptions, type DatabaseOptions } from './data-source-options.js';

/** A connected `DataSource`; the caller closes it. */
export function openDataSource(options: DatabaseOptions): Promise<DataSource> {
  const { extra, ...rest } = dataSourceOptions(options);
  return new DataSource({ ...rest, extra: { ...extra, Client: BoundedClient } }).initialize();
}

/** Connects, runs the work of a command, and disconnects in any case. */
export async function withDataSource<T>(
  options: DatabaseOptions,
  use: (dataSource: DataSource) => Promise<T>,
): Promise<T> {
  const dataSource = await openDataSource(options);
  try {
    return await use(dataSource);
  } finally {
    await dataSource.destroy();
  }
}
