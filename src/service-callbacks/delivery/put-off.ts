import { Injectable } from '@nestjs/common';
import { QueueBackend } from '../../queues/queue-backend.js';
import { Clock } from '../clock.js';
import type { Lane } from '../isolation/endpoint-gate.js';
import { Turnstile } from './turnstile.js';

/** The part of the queue's commands that each lane may take; a half was still felt by the retries of others. */
const SHARE = 1 / 4;

/** After so long a turn is waited for no more, ms: the queue's own connections then say what is wrong. */
const PATIENCE_MS = 10_000;

/**
 * Where jobs that get no attempt now are put off. A mass of them, as a process finds it that was away for a while,
 * waits here for its turn and not on the queue's connections, where everybody else would wait behind it (R17).
 */
@Injectable()
export class PutOff {
  private readonly lanes: Readonly<Record<Lane, Turnstile>>;

  constructor(
    backend: QueueBackend,
    private readonly clock: Clock,
  ) {
    const places = Math.max(1, Math.floor(backend.commandsAtOnce * SHARE));
    this.lanes = { first: new Turnstile(places, PATIENCE_MS), retry: new Turnstile(places, PATIENCE_MS) };
  }

  /**
   * @param until Unix ms, whole.
   * @param write tells the queue; is given `until`, later by as long as this had to wait
   */
  inTurn<T>(lane: Lane, until: number, write: (until: number) => Promise<T>): Promise<T> {
    const askedAt = this.clock.now();
    return this.lanes[lane].pass(() => write(until + this.clock.now() - askedAt));
  }

  /** Nobody waits any more: a stop takes no new jobs, and is not to wait for those it has. */
  open(): void {
    this.lanes.first.open();
    this.lanes.retry.open();
  }
}
