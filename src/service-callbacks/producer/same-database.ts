import type { QueryRunner } from 'typeorm';
import { databaseIdentity, type Queryable } from '../../database/database-identity.js';
import { ForeignDatabaseError } from './foreign-database.error.js';

/** Remembers which DataSources were found to be on the module's own database. */
export class SameDatabase {
  private readonly known = new WeakSet<object>();

  constructor(private readonly ours: Queryable) {
    this.known.add(ours);
  }

  /** @throws ForeignDatabaseError where the connection is on another database. */
  async assert(connection: QueryRunner): Promise<void> {
    // TypeORM 0.3 has it under the older name alone.
    const dataSource =
      (connection.dataSource as QueryRunner['dataSource'] | undefined) ?? connection.connection;
    if (this.known.has(dataSource)) return;
    const [theirs, ours] = await Promise.all([databaseIdentity(connection), databaseIdentity(this.ours)]);
    if (theirs !== ours) throw new ForeignDatabaseError(theirs, ours);
    this.known.add(dataSource);
  }
}
