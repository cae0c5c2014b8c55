/** Aborts after a number of ms, with an error that names what was not done by then. */
export function deadline(ms: number, what: string): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error(`${what} within ${ms / 1000} s`)), ms).unref();
  return controller.signal;
}
