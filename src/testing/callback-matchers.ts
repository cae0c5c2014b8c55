import type { CallbackTypeDefinition } from '../service-callbacks/callback-types/callback-type.js';
import { SentCallbacks } from './sent-callbacks.js';

/** For the types of `expect` in Jest and Vitest. */
export interface CallbackMatchers<Result = unknown> {
  /** @param payload a part of the payload; it may have other fields */
  toHaveSent(type: string | Pick<CallbackTypeDefinition<never>, 'type'>, payload?: object): Result;
}

/** `expect.extend(callbackMatchers)`, in Jest and in Vitest. */
export const callbackMatchers = {
  toHaveSent(
    this: void,
    received: unknown,
    type: string | Pick<CallbackTypeDefinition<never>, 'type'>,
    payload?: object,
  ): { pass: boolean; message: () => string } {
    if (!(received instanceof SentCallbacks))
      throw new TypeError(
        'toHaveSent() is for SentCallbacks: expect(module.get(SentCallbacks)).toHaveSent(…)',
      );
    const pass = received.sent(type, payload).length > 0;
    return { pass, message: () => `Expected ${pass ? 'no ' : ''}${received.describe(type, payload)}` };
  },
};
