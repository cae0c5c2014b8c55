import pg from 'pg';
import { limitSilence } from './silent-connection.js';

/** Longer than any statement of a running service takes, ms. Migrations use clients without this limit. */
const SILENCE_MS = 30_000;

/** A client for pools: no statement waits without end for a server that is gone. */
export class BoundedClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    this.once('connect', () => limitSilence(this.connection.stream, SILENCE_MS));
  }
}
