import { Inject, Injectable } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import { dataSourceOf } from '../../database/data-source-of.js';
import { databaseIdentity } from '../../database/database-identity.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { ForeignDatabaseError } from './foreign-database.error.js';

/** Remembers which DataSources use the module's database. */
@Injectable()
export class SameDatabase {
  private readonly known = new WeakSet<object>();

  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly ours: DataSource) {
    this.known.add(ours);
  }

  /** @throws ForeignDatabaseError if the manager's connection uses another database */
  async assert(manager?: EntityManager): Promise<void> {
    const connection = manager?.queryRunner;
    if (!connection) return;
    const dataSource = dataSourceOf(connection);
    if (this.known.has(dataSource)) return;
    const [theirs, ours] = await Promise.all([databaseIdentity(connection), databaseIdentity(this.ours)]);
    if (theirs !== ours) throw new ForeignDatabaseError(theirs, ours);
    this.known.add(dataSource);
  }
}
