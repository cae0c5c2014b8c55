import { Injectable } from '@nestjs/common';
import { Clock } from '../service-callbacks/clock.js';

/** A clock that changes only when a test says so. */
@Injectable()
export class HeldClock extends Clock {
  private time = Date.now();

  /** Unix ms. */
  override now(): number {
    return this.time;
  }

  override monotonic(): number {
    return this.time;
  }

  advanceBy(ms: number): void {
    this.set(this.time + ms);
  }

  /** @param time Unix ms, or a date */
  set(time: number | Date): void {
    const ms = Number(time);
    if (!Number.isFinite(ms)) throw new RangeError(`${String(time)} is no time to set a clock to`);
    this.time = ms;
  }
}
