/** The kind of a retryable failure: a response or refused connection, or a timeout. */
export type Failure = 'failed' | 'timed_out';

/**
 * A timeout uses a permit for a whole deadline, so a third as many in a row open the circuit. At least six are needed,
 * the default attempts of a callback: one callback alone does not open the circuit before its last attempt.
 */
const TIMEOUTS = { share: 1 / 3, atLeast: 6 } as const;

/**
 * One endpoint's circuit in this process. It opens after enough retryable failures in a row. An open circuit is a hold,
 * which all processes share; the hold's probe closes it.
 */
export class Circuit {
  private failuresInRow = 0;
  private timeoutsInRow = 0;
  private readonly timeouts: number;

  /** @param failures in a row that open it, timeouts included; at least 1 */
  constructor(private readonly failures: number) {
    this.timeouts = Math.max(Math.min(failures, TIMEOUTS.atLeast), Math.floor(failures * TIMEOUTS.share));
  }

  succeeded(): void {
    this.failuresInRow = 0;
    this.timeoutsInRow = 0;
  }

  /** @returns whether this failure opens it */
  failed(how: Failure): boolean {
    this.failuresInRow += 1;
    this.timeoutsInRow = how === 'timed_out' ? this.timeoutsInRow + 1 : 0;
    if (this.failuresInRow < this.failures && this.timeoutsInRow < this.timeouts) return false;
    this.succeeded();
    return true;
  }

  /** Whether its state is that of a new circuit. */
  get isPristine(): boolean {
    return this.failuresInRow === 0;
  }
}
