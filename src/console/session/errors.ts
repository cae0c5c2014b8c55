/**
 * A link on another site led here, so the browser held the session's strict cookie back. A page of ours that
 * loads the same address gets it.
 */
export class CrossSiteVisitError extends Error {
  constructor(readonly wanted: string) {
    super('Opened from another site');
  }
}

/** There is no session, or it is over: the browser is sent to sign in and then to where it wanted. */
export class SignInNeededError extends Error {
  constructor(readonly wanted: string) {
    super('Sign in to see this page');
  }
}
