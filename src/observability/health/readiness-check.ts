/** A part that must work before this process gets traffic. */
export interface ReadinessCheck {
  /** The name of the part in the response. */
  readonly name: string;
  /**
   * Takes at most 2 s.
   * @throws with the reason, in words, why the part is not ready
   */
  check(): Promise<void>;
}

/** All readiness checks; the application composes the list. */
export const READINESS_CHECKS = Symbol('READINESS_CHECKS');
