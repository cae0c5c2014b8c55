import type { Behaviour } from './receiver.js';

/** A response that a test gives when it is ready to. */
export interface Held {
  readonly behaviour: Behaviour;
  /** Responds to all waiting requests, and to those from now on. */
  release(): void;
}

export function held(then: Behaviour): Held {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    behaviour: (exchange) => {
      void promise.then(() => then(exchange));
    },
    release: resolve,
  };
}
