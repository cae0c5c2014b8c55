/** A part that must work before this process may be given traffic. */
export interface ReadinessCheck {
  /** The name of the part in the response. */
  readonly name: string;
  /** Takes 2 s at most. @throws saying in words why the part is not ready. */
  check(): Promise<void>;
}

/** All of them; the application composes the list. */
export const READINESS_CHECKS = Symbol('READINESS_CHECKS');
