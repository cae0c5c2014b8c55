import { Injectable } from '@nestjs/common';

/** The only source of time in services, so that a test can set it. */
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
