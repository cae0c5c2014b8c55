import type { Deadline } from './callback-transport.js';

/**
 * The total deadline of an attempt, from the DNS lookup to the last byte read. It is no `AbortSignal`: the events that
 * a signal creates for its few listeners are a noticeable part of an attempt's cost.
 */
export class AttemptDeadline implements Deadline {
  private readonly listeners: (() => void)[] = [];
  private readonly timer: NodeJS.Timeout;
  private over = false;

  constructor(timeoutMs: number) {
    // Node runs timers before it reads sockets. A process that was stopped or busy first reads what has arrived;
    // otherwise all its responses would count as timeouts.
    this.timer = setTimeout(() => setImmediate(() => this.end()), timeoutMs);
  }

  get isOver(): boolean {
    return this.over;
  }

  on(listener: () => void): void {
    if (this.over) listener();
    else this.listeners.push(listener);
  }

  off(listener: () => void): void {
    const at = this.listeners.indexOf(listener);
    if (at !== -1) this.listeners.splice(at, 1);
  }

  /** Ends the attempt: what still reads for it stops, and so does the timer. */
  end(): void {
    clearTimeout(this.timer);
    this.over = true;
    for (const listener of this.listeners.splice(0)) listener();
  }
}
