/**
 * A link on another site led here, so the browser held the session's strict cookie back. A page of ours that
 * loads the same address gets it.
 */
export class CrossSiteVisitError extends Error {
  constructor(readonly wanted: string) {
    super('Opened from another site');
  }
}
