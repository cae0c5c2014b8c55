import { setTimeout as delay } from 'node:timers/promises';

/** The demo was stopped: by Ctrl-C, a closed terminal, or a signal. */
export class InterruptedError extends Error {
  constructor(readonly signal: NodeJS.Signals) {
    super(`Interrupted by ${signal}.`);
    this.name = 'InterruptedError';
  }
}

/** Aborts on the first of the usual signals. The second one ends this process and its children at once. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new InterruptedError(signal));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  return controller.signal;
}

/** How often the parent is checked, ms. */
const LOOK_INTERVAL_MS = 500;

/**
 * Resolves when `signal` aborts, or when this process has lost its parent. npm runs it in a shell, and a signal to npm
 * ends the shell without reaching this process.
 */
export async function toldToStop(signal: AbortSignal): Promise<void> {
  const parent = process.ppid;
  while (!signal.aborted && process.ppid === parent) {
    await delay(LOOK_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  }
}
