interface RetrySchedule {
  readonly maxRetries: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
}

/** The longest time from the first attempt to the last retry, ms, without any `Retry-After`. */
export function retryScheduleMs({ maxRetries, baseDelayMs, maxDelayMs }: RetrySchedule): number {
  const delays = Array.from({ length: maxRetries }, (_, index) =>
    Math.min(maxDelayMs, baseDelayMs * 2 ** index),
  );
  return delays.reduce((total, delay) => total + delay, 0);
}
