import pg from 'pg';
import { setResponseTimeout } from './response-timeout.js';

/** Longer than any statement of a running service takes, ms. Migrations use clients without this limit. */
const RESPONSE_TIMEOUT_MS = 30_000;

/** A client for pools: a statement fails if the server does not respond in time. */
export class BoundedClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    this.once('connect', () => setResponseTimeout(this.connection.stream, RESPONSE_TIMEOUT_MS));
  }
}
