/**
 * There is no session, or it has expired: the browser is sent to the sign-in page, and then to the requested address.
 */
export class SignInNeededError extends Error {
  constructor(readonly wanted: string) {
    super('Sign in to see this page');
  }
}
