import type { GiveUpReason } from '../callbacks/callback.js';
import type {
  EndpointDisabled,
  EndpointEnabled,
  EndpointRecovered,
  EndpointWarned,
} from './endpoint-change.js';

/** The callback of an event. If it cannot be read, its unknown parts are null. */
interface CallbackEvent<Unknown = never> {
  readonly callbackId: string;
  readonly serviceId: string | Unknown;
  readonly callbackApiId: string | Unknown;
  readonly callbackType: string | Unknown;
  readonly subjectId: string | Unknown;
  readonly url: string | Unknown;
}

/** Why an attempt got no 2xx: a status code or an error code ('timeout'). */
interface FailedAttempt {
  readonly statusCode: number | null;
  readonly error: string | null;
}

/** The endpoint responded with a 2xx. */
export interface CallbackDelivered extends CallbackEvent {
  /** From 1, over all generations. */
  readonly attempt: number;
  readonly durationMs: number;
  readonly statusCode: number;
}

/** An attempt failed, and another attempt follows. */
export interface CallbackRetrying extends CallbackEvent, FailedAttempt {
  /** From 1, over all generations. */
  readonly attempt: number;
  readonly durationMs: number;
  readonly nextAttemptAt: Date;
}

/** No attempt follows. The callback is kept as a dead letter, and can be replayed. */
export interface CallbackGivenUp extends CallbackEvent<null>, FailedAttempt {
  readonly reason: GiveUpReason;
  /** Of its last attempt; null without one. */
  readonly attempt: number | null;
  /** What was wrong, in words for operators; null if the reason says everything. */
  readonly detail: string | null;
}

/** The arguments of `@OnCallback` handlers, by the name of the event. */
export interface CallbackEvents {
  readonly delivered: CallbackDelivered;
  readonly retrying: CallbackRetrying;
  readonly given_up: CallbackGivenUp;
  readonly endpoint_warned: EndpointWarned;
  readonly endpoint_disabled: EndpointDisabled;
  readonly endpoint_enabled: EndpointEnabled;
  readonly endpoint_recovered: EndpointRecovered;
}

export type CallbackEventName = keyof CallbackEvents;

export const CALLBACK_EVENT_NAMES = Object.keys({
  delivered: true,
  retrying: true,
  given_up: true,
  endpoint_warned: true,
  endpoint_disabled: true,
  endpoint_enabled: true,
  endpoint_recovered: true,
} satisfies Record<CallbackEventName, true>) as readonly CallbackEventName[];
