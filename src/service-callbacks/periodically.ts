import { setTimeout as sleep } from 'node:timers/promises';
import { Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { describeError } from '../observability/describe-error.js';

export interface Period {
  /** Between the end of one run and the beginning of the next, ms. */
  readonly everyMs: number;
  /** Ends it; a run that is under way is finished. */
  readonly signal: AbortSignal;
  /** A run that failed; the next one comes all the same. */
  readonly onError: (error: unknown) => void;
}

/** Runs `work` at once and then again and again. @returns when the signal has ended it. */
export async function periodically(
  { everyMs, signal, onError }: Period,
  work: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await work().catch(onError);
    // Rejects only when it is ended.
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
