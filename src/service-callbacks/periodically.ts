import { setTimeout as sleep } from 'node:timers/promises';

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
