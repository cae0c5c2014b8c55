/** At which parts of the way to being disabled an endpoint is warned of, percent. */
export const WARNING_PERCENTS = [50, 70, 90] as const;

export type WarningPercent = (typeof WARNING_PERCENTS)[number];

/** Why a callback API is switched off: its server said 410, it failed for too long, or someone did it. */
export type DisabledReason = 'gone' | 'failing' | 'by_hand';

/** What is known of a failure that goes on. */
export interface OngoingFailure {
  readonly failingSince: Date;
  /** Attempts since the last success. */
  readonly attempts: number;
  /** A status code, or the name of what went wrong instead. */
  readonly lastFailure: string | null;
}

/** Which endpoint, and when. */
interface EndpointChangeBase {
  readonly serviceId: string;
  readonly callbackApiId: string;
  readonly callbackType: string;
  readonly url: string;
  readonly at: Date;
}

/** Who made a change, where a person did. */
export interface MadeBy {
  /** A user's id; kept as the endpoint's `updated_by_id`. */
  readonly by?: string | undefined;
  /** Of the token that was used. */
  readonly tokenName?: string | undefined;
}

/** It has had no success for this share of the time after which it is disabled. */
export interface EndpointWarned extends EndpointChangeBase, OngoingFailure {
  readonly change: 'warned';
  readonly percent: WarningPercent;
  /** When it is disabled, if it goes on like this; null: the time is over, and it is with its 100th attempt. */
  readonly disablesAt: Date | null;
}

/** Nothing is attempted from now on; callbacks are kept as dead letters with the reason `disabled`. */
export interface EndpointDisabled extends EndpointChangeBase, MadeBy {
  readonly change: 'disabled';
  readonly reason: DisabledReason;
  /** Where the reason is `failing`. */
  readonly failure?: OngoingFailure;
}

/** Callbacks are attempted again. */
export interface EndpointEnabled extends EndpointChangeBase, MadeBy {
  readonly change: 'enabled';
  /** Dead letters with the reason `disabled` that wait for a replay. */
  readonly waiting: number;
}

/** It had a success after a warning, before it was disabled. */
export interface EndpointRecovered extends EndpointChangeBase {
  readonly change: 'recovered';
}

export type EndpointChange = EndpointWarned | EndpointDisabled | EndpointEnabled | EndpointRecovered;
