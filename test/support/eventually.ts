import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 10;

/**
 * Repeats an expectation until it holds, for what tells nobody when it changes: a row of the database, a health
 * check. Everything that does tell (the log, the receiver) is waited for itself.
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
