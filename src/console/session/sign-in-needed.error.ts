/** There is no session, or it is over: the browser is sent to sign in and then to where it wanted. */
export class SignInNeededError extends Error {
  constructor(readonly wanted: string) {
    super('Sign in to see this page');
  }
}
