import { UnrecoverableError } from 'bullmq';

/** A job whose work is done, but whose completion the queue refused: it must not run again for that. */
export class UnfinishedError extends UnrecoverableError {
  constructor() {
    super('unfinished');
    this.name = 'UnfinishedError';
  }
}
