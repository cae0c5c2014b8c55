/**
 * A link on another site led here, so the browser did not send the session's strict cookie. If a page of ours loads the
 * same address, the browser sends it.
 */
export class CrossSiteVisitError extends Error {
  constructor(readonly wanted: string) {
    super('Opened from another site');
  }
}

/**
 * There is no session, or it has expired: the browser is sent to the sign-in page, and then to the requested address.
 */
export class SignInNeededError extends Error {
  constructor(readonly wanted: string) {
    super('Sign in to see this page');
  }
}
