import { NoAnswerError } from './transport/no-answer.error.js';

/** One for all attempts: where it was made says nothing, and a stack trace costs microseconds. */
const TIMED_OUT = new NoAnswerError('timeout');

/** The one clock of an attempt, from the DNS lookup to the last byte read (R12). */
export class AttemptDeadline {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;

  constructor(timeoutMs: number) {
    // A process that was stopped or busy meanwhile reads first what has come: the event loop turns to its timers
    // before its sockets, and everybody's answers would be timeouts.
    this.timer = setTimeout(() => setImmediate(() => this.controller.abort(TIMED_OUT)), timeoutMs);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** The attempt is over: whatever still reads for it stops, and the timer with it. */
  end(): void {
    clearTimeout(this.timer);
    this.controller.abort(TIMED_OUT);
  }
}
