import type { DataSource } from 'typeorm';
import type { DatabaseOptions } from './data-source-options.js';
import { openDataSource } from './open-data-source.js';

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
