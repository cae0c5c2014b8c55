import type { Behaviour, Exchange } from './receiver.js';

/**
 * An endpoint that responds only when a number of requests have arrived, which proves that all were in flight together.
 */
export interface Barrier {
  readonly behaviour: Behaviour;
  /** Resolves when all have arrived; none of them has a response yet. */
  readonly full: Promise<void>;
  /** How many are waiting for a response now. */
  readonly waiting: number;
}

/**
 * @param size how many must be waiting at once
 * @param ms how long the last of them waits
 */
export function barrier(size: number, ms: number, response: Behaviour): Barrier {
  const waiting = new Set<Exchange>();
  const { promise: full, resolve } = Promise.withResolvers<void>();
  const respondToAll = () => {
    for (const exchange of waiting) response(exchange);
    waiting.clear();
  };
  return {
    full,
    get waiting() {
      return waiting.size;
    },
    behaviour: (exchange) => {
      waiting.add(exchange);
      // A closed request is no longer in flight.
      exchange.socket.once('close', () => waiting.delete(exchange));
      if (waiting.size < size) return;
      resolve();
      setTimeout(respondToAll, ms);
    },
  };
}
