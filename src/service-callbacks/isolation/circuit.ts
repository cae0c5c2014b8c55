/** How a retryable failure came about: by a response or a refusal, or by no response until the deadline. */
export type Failure = 'failed' | 'timed_out';

/**
 * A timeout holds a permit for a whole deadline: a third as many in a row open the circuit, but at least the
 * number of attempts of one callback by default, so that a callback does not hold up its own last attempt.
 */
const TIMEOUTS = { share: 1 / 3, atLeast: 6 } as const;

/**
 * One endpoint's circuit as this process sees it: it opens after enough retryable failures in a row. An open circuit
 * is a hold, which all processes share; what closes it is the hold's probe.
 */
export class Circuit {
  private failuresInRow = 0;
  private timeoutsInRow = 0;
  private readonly timeouts: number;

  /** @param failures in a row that open it, timeouts among them; at least 1 */
  constructor(private readonly failures: number) {
    this.timeouts = Math.max(Math.min(failures, TIMEOUTS.atLeast), Math.floor(failures * TIMEOUTS.share));
  }

  succeeded(): void {
    this.failuresInRow = 0;
    this.timeoutsInRow = 0;
  }

  /** @returns whether this failure opens it. */
  failed(how: Failure): boolean {
    this.failuresInRow += 1;
    this.timeoutsInRow = how === 'timed_out' ? this.timeoutsInRow + 1 : 0;
    if (this.failuresInRow < this.failures && this.timeoutsInRow < this.timeouts) return false;
    this.succeeded();
    return true;
  }

  /** Nothing here that a new one would not know. */
  get isPristine(): boolean {
    return this.failuresInRow === 0;
  }
}
