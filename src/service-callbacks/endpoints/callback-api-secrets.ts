/** Associated data of the token's column: in another row, the ciphertext does not decrypt. */
export function bearerTokenBinding(id: string): string {
  return `callback-api:${id}:bearer-token`;
}

/** Associated data of both secret columns: a rotation moves the ciphertext from one to the other unchanged. */
export function signingSecretBinding(id: string): string {
  return `callback-api:${id}:signing-secret`;
}
