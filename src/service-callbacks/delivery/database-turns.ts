import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { Turnstile } from './turnstile.js';

/** After so long a turn is waited for no more, ms: then the pool says what is wrong. */
const PATIENCE_MS = 10_000;

/**
 * The turns of the workers on the application's pool of connections, of which one is left to the others: two thousand
 * attempts, or as many dead letters, must not starve a receipt (R11).
 */
@Injectable()
export class DatabaseTurns {
  private readonly turnstile: Turnstile;

  constructor(@Inject(CALLBACKS_DATA_SOURCE) dataSource: DataSource) {
    this.turnstile = new Turnstile(Math.max(1, poolSizeOf(dataSource) - 1), PATIENCE_MS);
  }

  /** @param work takes one connection, and has given it back when it ends. */
  pass<T>(work: () => Promise<T>): Promise<T> {
    return this.turnstile.pass(work);
  }
}

/** TypeORM's pool; node-postgres has ten where nothing is said. */
function poolSizeOf({ options }: DataSource): number {
  return 'poolSize' in options && options.poolSize !== undefined ? options.poolSize : 10;
}
