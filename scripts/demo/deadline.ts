/** Aborts after so many milliseconds, with an error that says in words what was not done by then. */
export function deadline(ms: number, what: string): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error(`${what} within ${ms / 1000} s`)), ms).unref();
  return controller.signal;
}
