import type { Behaviour } from './receiver.js';

/** An answer that a test gives when it is ready to. */
export interface Held {
  readonly behaviour: Behaviour;
  /** Answers whoever has asked, and whoever asks from now on. */
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
