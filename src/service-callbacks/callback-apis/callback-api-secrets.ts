import type { PayloadCipher } from '../security/payload-cipher.js';
import type { CallbackApiEntity } from './callback-api.entity.js';

/** The columns that hold what requests are signed with. */
export type SigningColumns = Pick<
  CallbackApiEntity,
  'id' | 'encryptedSigningSecret' | 'encryptedPreviousSecret' | 'previousSecretUntil'
>;

/** Associated data of the token's column: a copy in another row does not decrypt. */
export function bearerTokenBinding(id: string): string {
  return `callback-api:${id}:bearer-token`;
}

/** Of both secret columns: a rotation moves a ciphertext from one to the other as it is. */
export function signingSecretBinding(id: string): string {
  return `callback-api:${id}:signing-secret`;
}

/** What a row's requests are signed with at this moment, the secret in use first; none: not signed. */
export function signingSecretsOf(api: SigningColumns, cipher: PayloadCipher, now: number): string[] {
  const { encryptedSigningSecret: current, encryptedPreviousSecret: previous, previousSecretUntil } = api;
  const inOverlap = previousSecretUntil !== null && previousSecretUntil.getTime() > now;
  return [current, inOverlap ? previous : null]
    .filter((ciphertext) => ciphertext !== null)
    .map((ciphertext) => cipher.decrypt(ciphertext, signingSecretBinding(api.id)));
}
