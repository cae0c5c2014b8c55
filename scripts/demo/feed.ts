/** Items that arrive over time, in order, and the callers that wait for one of them. */
export class Feed<T> {
  private readonly arrived: T[] = [];
  private readonly waiting = new Set<() => void>();
  private ended: Error | undefined;

  get items(): readonly T[] {
    return this.arrived;
  }

  push(item: T): void {
    this.arrived.push(item);
    this.wake();
  }

  /** No more items come: every call of `waitFor`, now or later, rejects with this error. */
  end(reason: Error): void {
    this.ended ??= reason;
    this.wake();
  }

  /**
   * Resolves with the first result of `find` on the items so far, as soon as there is one.
   *
   * @throws the reason of `signal` or of `end()`, whichever comes first
   */
  async waitFor<R>(find: (items: readonly T[]) => R | undefined, signal: AbortSignal): Promise<R> {
    for (;;) {
      const found = find(this.arrived);
      if (found !== undefined) return found;
      if (this.ended) throw this.ended;
      signal.throwIfAborted();
      await this.somethingNew(signal);
    }
  }

  private async somethingNew(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.waiting.add(resolve);
    const onAbort = () => resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await promise;
    } finally {
      this.waiting.delete(resolve);
      signal.removeEventListener('abort', onAbort);
    }
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
  }
}
