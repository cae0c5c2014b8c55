interface RetrySchedule {
  readonly maxRetries: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
}

/** How long after its first attempt the last retry of a callback may start, ms, without any `Retry-After`. */
export function retryScheduleMs({ maxRetries, baseDelayMs, maxDelayMs }: RetrySchedule): number {
  const delays = Array.from({ length: maxRetries }, (_, index) =>
    Math.min(maxDelayMs, baseDelayMs * 2 ** index),
  );
  return delays.reduce((total, delay) => total + delay, 0);
}
