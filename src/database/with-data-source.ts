import { DataSource } from 'typeorm';
import { dataSourceOptions, type DatabaseOptions } from './data-source-options.js';

/** Connects, and disconnects whatever happens: for a command that does one thing and ends. */
export async function withDataSource<T>(
  options: DatabaseOptions,
  use: (dataSource: DataSource) => Promise<T>,
): Promise<T> {
  const dataSource = await new DataSource(dataSourceOptions(options)).initialize();
  try {
    return await use(dataSource);
  } finally {
    await dataSource.destroy();
  }
}
