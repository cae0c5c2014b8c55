import { Clock } from '../../src/service-callbacks/clock.js';

/** A clock that a test holds. */
export class ManualClock extends Clock {
  constructor(public time: number) {
    super();
  }

  override now(): number {
    return this.time;
  }
}
