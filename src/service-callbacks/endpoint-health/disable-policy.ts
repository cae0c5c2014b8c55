import { WARNING_PERCENTS, type WarningPercent } from '../events/endpoint-change.js';

/** Fewer attempts than this prove too little, however long the failure lasts. */
export const MIN_ATTEMPTS = 100;

/** One uninterrupted failure: no success since its beginning. */
export interface Failure {
  readonly failingSince: Date;
  /** Attempts since the last success, or all of them if there was none. */
  readonly attempts: number;
  /** The percentage of the last warning of this failure; 0: none. */
  readonly warnedPercent: number;
}

export type PolicyResult =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'warn'; readonly percent: WarningPercent; readonly disablesAt: Date | null }
  | { readonly kind: 'disable' };

const NOTHING: PolicyResult = Object.freeze({ kind: 'nothing' });

/**
 * Decides when an endpoint that only fails is disabled: after a time *and* a number of attempts without a success. Its
 * progress is the lesser of the two, so a warning of 90 % means that both are nearly reached. Pure.
 */
export class DisablePolicy {
  /** @param disableAfterMs 0: never because of failures (a 410 Gone still disables at once) */
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
   * When an endpoint with these attempts, failing since then, is disabled. Null if no time can be named: it is never
   * disabled, or the time is over and only attempts are missing.
   * @param now Unix ms
   */
  disablesAt(failingSince: Date, now: number): Date | null {
    const at = failingSince.getTime() + this.disableAfterMs;
    return this.disableAfterMs > 0 && at > now ? new Date(at) : null;
  }

  /** The latest start of a failure that may need a warning, Unix ms. */
  latestStart(now: number): number {
    return now - (this.disableAfterMs * WARNING_PERCENTS[0]) / 100;
  }
}
