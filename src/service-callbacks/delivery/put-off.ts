import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { QueueBackend } from '../../queues/queue-backend.js';
import { Turnstile } from './turnstile.js';

/** The share of the queue's commands that it may take; a half was still to be felt by the retries of others. */
const SHARE = 1 / 4;

/**
 * Where callbacks that get no attempt now are put off. A mass of them, as a process finds it that was away for a while,
 * waits here for its turn and not on the queue's connections, where everybody else would wait behind it (R17).
 */
@Injectable()
export class PutOff implements BeforeApplicationShutdown {
  private readonly turnstile: Turnstile;

  constructor(backend: QueueBackend) {
    this.turnstile = new Turnstile(Math.max(1, Math.floor(backend.commandsAtOnce * SHARE)));
  }

  /** @param write tells the queue. */
  inTurn<T>(write: () => Promise<T>): Promise<T> {
    return this.turnstile.pass(write);
  }

  /** A stop takes no new jobs, and does not wait for turns. */
  beforeApplicationShutdown(): void {
    this.turnstile.open();
  }
}
