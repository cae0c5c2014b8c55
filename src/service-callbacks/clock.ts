import { Injectable } from '@nestjs/common';

/** The one source of time in services, so that a test can hold it. */
@Injectable()
export class Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number {
    return Date.now();
  }

  /** A monotonic reading in milliseconds, for durations. */
  monotonic(): number {
    return performance.now();
  }
}
