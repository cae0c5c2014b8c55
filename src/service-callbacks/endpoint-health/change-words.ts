import { MIN_ATTEMPTS } from './disable-policy.js';
import type { EndpointChange, OngoingFailure } from '../events/endpoint-change.js';

/** A change for the log and the alerts: flat, in snake case, without secrets. */
export function factsOf(change: EndpointChange): Record<string, unknown> {
  return {
    service_id: change.serviceId,
    callback_api_id: change.callbackApiId,
    callback_type: change.callbackType,
    service_callback_url: change.url,
    ...detailsOf(change),
  };
}

function detailsOf(change: EndpointChange): Record<string, unknown> {
  switch (change.change) {
    case 'warned':
      return {
        percent: change.percent,
        ...failureFacts(change),
        disables_at: change.disablesAt?.toISOString() ?? null,
      };
    case 'disabled':
      return { reason: change.reason, ...(change.failure && failureFacts(change.failure)) };
    case 'enabled':
      return { waiting: change.waiting };
    case 'recovered':
      return {};
  }
}

function failureFacts({ failingSince, attempts, lastFailure }: OngoingFailure) {
  return {
    failing_since: failingSince.toISOString(),
    attempts_since_success: attempts,
    last_failure: lastFailure,
  };
}

/** One sentence for people. */
export function wordsFor(change: EndpointChange): string {
  switch (change.change) {
    case 'warned':
      return `Endpoint ${change.url} ${sinceWhen(change)}; it will be disabled ${whenDisabled(change)}`;
    case 'disabled':
      return `Endpoint ${change.url} was disabled: ${whyDisabled(change)}; its callbacks are kept for replay`;
    case 'enabled':
      return `Endpoint ${change.url} was enabled; ${change.waiting} callbacks that were kept can be replayed`;
    case 'recovered':
      return `Endpoint ${change.url} responds again`;
  }
}

function whenDisabled({ disablesAt }: Extract<EndpointChange, { change: 'warned' }>): string {
  return disablesAt === null ? `with the ${MIN_ATTEMPTS}th attempt` : `at ${disablesAt.toISOString()}`;
}

function whyDisabled(change: Extract<EndpointChange, { change: 'disabled' }>): string {
  switch (change.reason) {
    case 'gone':
      return 'it responded with 410 Gone';
    case 'failing':
      return change.failure ? `it ${sinceWhen(change.failure)}` : 'it failed for too long';
    case 'by_hand':
      return 'by hand';
  }
}

function sinceWhen({ failingSince, attempts, lastFailure }: OngoingFailure): string {
  const last = lastFailure === null ? '' : `, the last with ${lastFailure}`;
  return `has failed since ${failingSince.toISOString()}, ${attempts} times${last}`;
}
