import type { OngoingFailure } from '../endpoints/endpoint-state.repository.js';
import type { DisabledReason } from '../endpoints/callback-api.entity.js';
import type { WarningPercent } from './disable-policy.js';

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

/**
 * The names under which a host's `EventEmitter2` has the changes; the listener's argument is the change:
 * `@OnEvent(ENDPOINT_EVENTS.disabled) onDisabled(event: EndpointDisabled)`.
 */
export const ENDPOINT_EVENTS = Object.freeze({
  warned: 'service-callbacks.endpoint.warned',
  disabled: 'service-callbacks.endpoint.disabled',
  enabled: 'service-callbacks.endpoint.enabled',
  recovered: 'service-callbacks.endpoint.recovered',
}) satisfies { readonly [Change in EndpointChange['change']]: string };
