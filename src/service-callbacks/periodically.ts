import { setTimeout as sleep } from 'node:timers/promises';

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
