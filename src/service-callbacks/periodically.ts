import { setTimeout as sleep } from 'node:timers/promises';
import { Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { describeError } from '../observability/describe-error.js';

export interface Period {
  /** From the end of one run to the beginning of the next, ms. */
  readonly everyMs: number;
  /** Ends the repetition; a run that has begun is finished. */
  readonly signal: AbortSignal;
  /** Called with the error of a run; the next run follows all the same. */
  readonly onError: (error: unknown) => void;
}

/**
 * Runs `work` now, and then repeatedly.
 * @returns when the signal has ended it
 */
export async function periodically(
  { everyMs, signal, onError }: Period,
  work: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await work().catch(onError);
    // The only rejection is the signal's.
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Repeats work until the application shuts down. */
export abstract class PeriodicWork implements BeforeApplicationShutdown {
  protected readonly logger = new Logger('ServiceCallbacks');
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>[] = [];

  protected get isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  /** @param failure the log line of a run that failed */
  protected every(
    everyMs: number,
    work: () => Promise<void>,
    failure: { readonly event: string; readonly task?: string; readonly msg: string },
    level: 'error' | 'debug' = 'error',
  ): void {
    const onError = (error: unknown): void => this.logger[level]({ ...failure, err: describeError(error) });
    this.running.push(periodically({ everyMs, signal: this.stopping.signal, onError }, work));
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.running);
  }
}
