import { DelayedError } from 'bullmq';

/** A first job that has ended already, with the addition of the one that takes its place. */
export class HandedOverError extends DelayedError {
  constructor() {
    super('handed_over');
  }
}
