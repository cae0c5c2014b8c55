import type { z } from 'zod';
import type { CallbackApi } from '../endpoints/callback-api.repository.js';
import type { EndpointHealthReport } from '../endpoint-health/endpoint-health.js';
import type * as schemas from './endpoint-health.schemas.js';
import type { Enabled } from '../endpoint-health/endpoint-switch.js';
import type { TestResult, TlsFacts } from '../test-callback/test-result.js';

/** A response body, as `endpoint-health.schemas.ts` describes it. */
type View<Name extends keyof typeof schemas> = z.infer<(typeof schemas)[Name]>;

export function stateView(api: CallbackApi): View<'endpointStateView'> {
  const { id, serviceId, callbackType, url, disabledAt, disabledReason } = api;
  return {
    id,
    service_id: serviceId,
    callback_type: callbackType,
    url,
    disabled_at: iso(disabledAt),
    disabled_reason: disabledReason,
  };
}

export function enabledView({ callbackApi, waiting, replaying }: Enabled): View<'enabledView'> {
  const { id, serviceId } = callbackApi;
  return {
    ...stateView(callbackApi),
    dead_letters: { reason: 'disabled', waiting, replaying },
    replay: {
      method: 'POST',
      path: `/service/${serviceId}/dead-letters/replay`,
      body: { callback_api_id: id, reason: 'disabled' },
    },
  };
}

export function healthView(report: EndpointHealthReport): View<'endpointHealthView'> {
  const { callbackApi, figures } = report;
  return {
    ...stateView(callbackApi),
    status: report.status,
    last_success_at: iso(figures.lastSuccessAt),
    last_failure_at: iso(figures.lastFailureAt),
    last_failure: figures.lastFailure,
    failing_since: iso(figures.failingSince),
    attempts_since_success: figures.attemptsSinceSuccess,
    warned_percent: report.warnedPercent,
    disables_at: iso(report.disablesAt),
    hours: figures.hours.map(({ at, delivered, failed, deferred, givenUp }) => ({
      at: at.toISOString(),
      delivered,
      failed,
      deferred,
      given_up: givenUp,
    })),
    answer_ms: figures.answerMs,
    circuit: figures.circuit && { state: figures.circuit.state, until: iso(figures.circuit.until) },
    backlog: figures.backlog,
    next_at: iso(figures.nextAt),
    dead_letters: { reason: 'disabled', waiting: report.waiting },
  };
}

export function testView(result: TestResult): View<'testResultView'> {
  const { id, url, at, outcome, connection, location, excerpt, hint } = result;
  const failure = outcome.kind === 'delivered' ? { statusCode: outcome.statusCode } : outcome.failure;
  return {
    id,
    url,
    at: at.toISOString(),
    outcome: outcome.kind,
    status_code: failure.statusCode ?? null,
    error: ('error' in failure && failure.error) || null,
    duration_ms: outcome.durationMs,
    address: connection.dialled,
    addresses: connection.addresses,
    tls: connection.tls && tlsView(connection.tls),
    location,
    excerpt,
    hint,
  };
}

function tlsView({ protocol, subject, names, issuer, validFrom, validTo }: TlsFacts) {
  return {
    protocol,
    certificate: {
      subject,
      names,
      issuer,
      valid_from: validFrom.toISOString(),
      valid_to: validTo.toISOString(),
    },
  };
}

function iso(date: Date | null): string | null {
  return date?.toISOString() ?? null;
}
