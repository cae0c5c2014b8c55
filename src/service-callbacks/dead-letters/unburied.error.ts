import type { Callback } from '../delivery/callback.js';
import type { Ending } from './ending.js';

/** The dead letter could not be written now: the job must be kept, and what it came to with it. */
export class UnburiedError extends Error {
  constructor(
    readonly subject: Partial<Callback>,
    readonly ending: Ending,
    cause: unknown,
  ) {
    const why = cause instanceof Error ? cause.message : String((cause as { message?: unknown })?.message);
    super(`The dead letter (${ending.reason}) could not be written: ${why}`, { cause });
    this.name = 'UnburiedError';
  }
}
