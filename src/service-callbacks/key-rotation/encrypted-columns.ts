import { bearerTokenBinding, signingSecretBinding } from '../endpoints/callback-api-secrets.js';
import { payloadBinding } from '../callbacks/callback.js';

/** A column with ciphertexts of the `PayloadCipher`. */
export interface EncryptedColumn {
  readonly table: string;
  readonly column: string;
  /** Associated data of the ciphertext in the row of this id. */
  readonly bindingOf: (id: string) => string;
}

/** All such columns. The ciphertexts of a column that is missing here are lost with their key. */
export const ENCRYPTED_COLUMNS: readonly EncryptedColumn[] = [
  { table: 'service_callback_apis', column: 'bearer_token', bindingOf: bearerTokenBinding },
  { table: 'service_callback_apis', column: 'signing_secret', bindingOf: signingSecretBinding },
  { table: 'service_callback_apis', column: 'previous_signing_secret', bindingOf: signingSecretBinding },
  { table: 'service_callback_payloads', column: 'payload', bindingOf: payloadBinding },
];
