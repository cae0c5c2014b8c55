import { WARNING_PERCENTS, type WarningPercent } from '../events/endpoint-change.js';

/** Fewer attempts than this say too little, however long it has been. */
export const MIN_ATTEMPTS = 100;

/** One uninterrupted failure: no success since it began. */
export interface Failure {
  readonly failingSince: Date;
  /** Attempts since the last success, or ever. */
  readonly attempts: number;
  /** What this very failure was warned of already; 0: nothing. */
  readonly warnedPercent: number;
}

export type PolicyResult =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'warn'; readonly percent: WarningPercent; readonly disablesAt: Date | null }
  | { readonly kind: 'disable' };

const NOTHING: PolicyResult = Object.freeze({ kind: 'nothing' });

/**
 * When an endpoint that only fails is disabled: after so long *and* so many attempts without one success. How
 * far it has come is the lesser of the two, so that a warning of 90 % means that both are nearly there. Pure.
 */
export class DisablePolicy {
  /** @param disableAfterMs 0: never for its failures (410 Gone still does, at once). */
  constructor(readonly disableAfterMs: number) {}

  /** @param now Unix ms. */
  judge({ failingSince, attempts, warnedPercent }: Failure, now: number): PolicyResult {
    if (this.disableAfterMs === 0) return NOTHING;
    const ofTime = (now - failingSince.getTime()) / this.disableAfterMs;
    const progress = Math.min(ofTime, attempts / MIN_ATTEMPTS);
    if (progress >= 1) return { kind: 'disable' };
    const percent = WARNING_PERCENTS.findLast((step) => progress * 100 >= step);
    if (percent === undefined || percent <= warnedPercent) return NOTHING;
    return { kind: 'warn', percent, disablesAt: this.disablesAt(failingSince, now) };
  }

  /**
   * When one that has failed since then is disabled, given its attempts; null where no time can be named: it
   * never is, or the time is over and attempts are what is missing.
   * @param now Unix ms.
   */
  disablesAt(failingSince: Date, now: number): Date | null {
    const at = failingSince.getTime() + this.disableAfterMs;
    return this.disableAfterMs > 0 && at > now ? new Date(at) : null;
  }

  /** Nothing is to be done about what began to fail after this, Unix ms. */
  earliest(now: number): number {
    return now - (this.disableAfterMs * WARNING_PERCENTS[0]) / 100;
  }
}
