import type { Callback, PartialCallback } from '../callbacks/callback.js';
import type { DeliveryFailure } from '../transport/delivery-outcome.js';
import type { CallbackDelivered, CallbackGivenUp, CallbackRetrying } from './callback-events.js';

interface Attempt {
  readonly attempt: number;
  readonly durationMs: number;
}

export function deliveredEvent(callback: Callback, attempt: Attempt, statusCode: number): CallbackDelivered {
  return { ...known(callback), ...attempt, statusCode };
}

/** @param nextAttemptAt Unix ms */
export function retryingEvent(
  callback: Callback,
  attempt: Attempt,
  failure: DeliveryFailure,
  nextAttemptAt: number,
): CallbackRetrying {
  return {
    ...known(callback),
    ...attempt,
    ...failed(failure),
    nextAttemptAt: new Date(nextAttemptAt),
  };
}

export function givenUpEvent(
  { id, serviceId, endpointId, callbackType, subjectId, url }: PartialCallback,
  reason: CallbackGivenUp['reason'],
  { facts, failure, detail }: GivenUpFacts = {},
): CallbackGivenUp {
  return {
    callbackId: id,
    serviceId: serviceId ?? null,
    callbackApiId: endpointId ?? null,
    callbackType: callbackType ?? null,
    subjectId: subjectId ?? null,
    url: url ?? null,
    reason,
    attempt: facts?.attempt ?? null,
    ...failed(failure),
    detail: detail ?? null,
  };
}

interface GivenUpFacts {
  readonly facts?: Attempt | undefined;
  readonly failure?: DeliveryFailure | undefined;
  readonly detail?: string | undefined;
}

function known({ id, serviceId, endpointId, callbackType, subjectId, url }: Callback) {
  return { callbackId: id, serviceId, callbackApiId: endpointId, callbackType, subjectId, url };
}

function failed({ statusCode, error }: Partial<DeliveryFailure> = {}) {
  return { statusCode: statusCode ?? null, error: error ?? null };
}
