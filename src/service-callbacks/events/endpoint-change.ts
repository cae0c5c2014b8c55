/** The percentages of the way to being disabled at which an endpoint is warned of. */
export const WARNING_PERCENTS = [50, 70, 90] as const;

export type WarningPercent = (typeof WARNING_PERCENTS)[number];

/** Why an endpoint was disabled: it responded with 410, it failed for too long, or a person did it. */
export type DisabledReason = 'gone' | 'failing' | 'by_hand';

/** The current failure of an endpoint. */
export interface OngoingFailure {
  readonly failingSince: Date;
  /** Attempts since the last success. */
  readonly attempts: number;
  /** A status code or an error code. */
  readonly lastFailure: string | null;
}

/** The endpoint and the time of a change. */
interface EndpointChangeBase {
  readonly serviceId: string;
  readonly callbackApiId: string;
  readonly callbackType: string;
  readonly url: string;
  readonly at: Date;
}

/** The person who made a change. */
export interface MadeBy {
  /** A user's id; stored as the endpoint's `updated_by_id`. */
  readonly by?: string | undefined;
  /** The name of their API token. */
  readonly tokenName?: string | undefined;
}

/** The percentage of the way to being disabled that it has reached. */
export interface EndpointWarned extends EndpointChangeBase, OngoingFailure {
  readonly change: 'warned';
  readonly percent: WarningPercent;
  /** When it is disabled if the failure continues. Null: the time is over, and the 100th attempt is missing. */
  readonly disablesAt: Date | null;
}

/** From now on it gets no attempts, and its callbacks become dead letters with the reason `disabled`. */
export interface EndpointDisabled extends EndpointChangeBase, MadeBy {
  readonly change: 'disabled';
  readonly reason: DisabledReason;
  /** Only with the reason `failing`. */
  readonly failure?: OngoingFailure;
}

/** Its callbacks are attempted again. */
export interface EndpointEnabled extends EndpointChangeBase, MadeBy {
  readonly change: 'enabled';
  /** Dead letters that can be replayed, given up because it was disabled, or with the 410 that disabled it. */
  readonly waiting: number;
}

/** It succeeded after a warning, before it was disabled. */
export interface EndpointRecovered extends EndpointChangeBase {
  readonly change: 'recovered';
}

export type EndpointChange = EndpointWarned | EndpointDisabled | EndpointEnabled | EndpointRecovered;
