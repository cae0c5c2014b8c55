import type { Deadline } from './callback-transport.js';

/**
 * The one clock of an attempt, from the DNS lookup to the last byte read. Not an `AbortSignal`: the events it
 * creates for its few listeners are a noticeable part of the cost of an attempt.
 */
export class AttemptDeadline implements Deadline {
  private readonly listeners: (() => void)[] = [];
  private readonly timer: NodeJS.Timeout;
  private over = false;

  constructor(timeoutMs: number) {
    // A process that was stopped or busy meanwhile reads first what has come: the event loop turns to its timers
    // before its sockets, and all responses would count as timeouts.
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

  /** The attempt is over: whatever still reads for it stops, and the timer with it. */
  end(): void {
    clearTimeout(this.timer);
    this.over = true;
    for (const listener of this.listeners.splice(0)) listener();
  }
}
