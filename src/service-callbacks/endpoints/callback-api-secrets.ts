/** Associated data of the token's column: a copy in another row does not decrypt. */
export function bearerTokenBinding(id: string): string {
  return `callback-api:${id}:bearer-token`;
}

/** Of both secret columns: a rotation moves a ciphertext from one to the other as it is. */
export function signingSecretBinding(id: string): string {
  return `callback-api:${id}:signing-secret`;
}
