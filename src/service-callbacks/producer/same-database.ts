import { Inject, Injectable } from '@nestjs/common';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { dataSourceOf } from '../../database/data-source-of.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';

export class ForeignDatabaseError extends Error {
  constructor(theirs: string, ours: string) {
    super(
      `The manager passed to the producer is on another database (${theirs}) than service callbacks (${ours}): ` +
        'the two could not commit together. Pass a manager of the same database, or none.',
    );
    this.name = 'ForeignDatabaseError';
  }
}

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

/** Identifies the database and the server. Two connections with the same identity can share a transaction. */
async function databaseIdentity(connection: DataSource | QueryRunner): Promise<string> {
  const [row] = (await connection.query(
    `SELECT current_database() || ' of the server started ' || extract(epoch FROM pg_postmaster_start_time()) AS identity`,
  )) as { identity: string }[];
  return row?.identity ?? 'unknown';
}
