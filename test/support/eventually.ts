import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 10;

/**
 * Repeats an expectation until it holds, for state without an event when it changes: a row of the database, a health
 * check. Tests wait for events (the log, the receiver) directly.
 */
export async function eventually(expectation: () => Promise<void>, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      await expectation();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(POLL_MS);
    }
  }
}
