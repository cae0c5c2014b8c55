import { UnrecoverableError } from 'bullmq';
import type { GiveUpReason } from './dead-letter.entity.js';

/** Ends a job after its dead letter is written. The message is a code of ours: it becomes `failedReason`. */
export class GivenUpError extends UnrecoverableError {
  constructor(readonly reason: GiveUpReason) {
    super(reason);
    this.name = 'GivenUpError';
  }
}
