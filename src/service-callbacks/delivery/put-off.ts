import { Injectable } from '@nestjs/common';
import { QueueBackend, type AnyJob } from '../../queues/queue-backend.js';
import { Clock } from '../clock.js';
import type { Lane } from '../isolation/endpoint-gate.js';
import type { CallbackJobData } from './callback-job.js';
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
    private readonly backend: QueueBackend,
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

  /**
   * Back to where the job waits. Where a crash undoes it the job is active under nobody and comes back by the stall
   * check, or waits as if it had never been taken.
   * @param until Unix ms, whole: PostgreSQL takes no others.
   * @param data instead of what the job has
   */
  back(job: AnyJob, until: number, token?: string, data?: CallbackJobData): Promise<void> {
    return this.backend.lazily(async () => {
      if (data) await job.updateData(data);
      await job.moveToDelayed(until, token);
    });
  }

  /** Nobody waits any more: a stop takes no new jobs, and is not to wait for those it has. */
  open(): void {
    this.lanes.first.open();
    this.lanes.retry.open();
  }
}
