/** The entry point `service-callbacks/receiver`: verifies and deduplicates callbacks where they are received. */
export {
  CallbackReceiverModule,
  ReceivedCallback,
  VerifyCallback,
  type CallbackReceiverOptions,
} from './callback-receiver.module.js';
export {
  CallbackVerificationError,
  InvalidReceiverOptionsError,
  TransactionRequiredError,
  type VerificationFailure,
} from './errors.js';
export type { CallbackHeaders } from './headers.js';
export { forgetReceived, markReceived } from './mark-received.js';
export type { CallbackPayload } from './payloads.js';
export { receivedCallbackEntities } from './received-callback.entity.js';
export { receivedCallbackMigrations } from './received-callback.migration.js';
export { verifyBearerToken } from './verify-bearer-token.js';
export { verifyCallback, type VerifiedCallback, type VerifyOptions } from './verify-callback.js';
