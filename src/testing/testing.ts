/** The entry point `service-callbacks/testing`: the module in memory, and a local receiver, for tests of a host. */
export { callbackMatchers, type CallbackMatchers } from './callback-matchers.js';
export { callbacksModuleIn } from './callbacks-module-in.js';
export { HeldClock } from './held-clock.js';
export type { AttemptResponse } from './in-memory-transport.js';
export {
  startLocalReceiver,
  type ArrivedCallback,
  type LocalReceiver,
  type ReceivedRequest,
  type WaitOptions,
} from './local-receiver.js';
export { SentCallbacks, type SentCallback } from './sent-callbacks.js';
export {
  ServiceCallbacksTestingModule,
  type ServiceCallbacksTestingOptions,
} from './service-callbacks-testing.module.js';
export type { TestResponse } from './test-response.js';
