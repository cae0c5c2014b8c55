import { randomUUID } from 'node:crypto';
import { CallbackTypeRegistry } from '../../src/service-callbacks/callback-types/callback-type-registry.js';
import type { Clock } from '../../src/service-callbacks/clock.js';
import { DeliveryJournal } from '../../src/service-callbacks/delivery-log/delivery-journal.js';
import type { AttemptRecord } from '../../src/service-callbacks/delivery/callback-job.js';
import type { Callback } from '../../src/service-callbacks/delivery/callback.js';
import type { DeliveryOutcome } from '../../src/service-callbacks/delivery/delivery-outcome.js';
import { CallbackMetrics } from '../../src/service-callbacks/metrics/callback-metrics.js';
import type { DeliveryLogOptions } from '../../src/service-callbacks/service-callbacks.options.js';

export function aCallback(overrides: Partial<Callback> = {}): Callback {
  return {
    id: randomUUID(),
    serviceId: 'a-service',
    callbackType: 'delivery_status',
    callbackApiId: 'an-api',
    subjectId: 'a-subject',
    queuedAt: 0,
    generation: 0,
    generationStart: 0,
    attempts: [],
    sealed: 'sealed',
    document: { v: 1, url: 'https://service.example.com/', bearer_token: 'a-token', payload: {} },
    ...overrides,
  };
}

export function aJournal(clock: Clock, options: Partial<DeliveryLogOptions> = {}) {
  const metrics = new CallbackMetrics(new CallbackTypeRegistry([]));
  const journal = new DeliveryJournal(clock, metrics, { keep: 'all', retentionDays: 30, ...options });
  const dropped = async (what: 'rows' | 'figures'): Promise<number> => {
    const metric = await metrics.registry.getSingleMetric('service_callback_log_dropped_total')?.get();
    return metric?.values.find(({ labels }) => labels['what'] === what)?.value ?? Number.NaN;
  };
  return { journal, dropped };
}

/** Tells a journal of an attempt. @returns the callback with the attempt in its history */
export function attempt(
  journal: DeliveryJournal,
  callback: Callback,
  at: number,
  result: { readonly status: number; readonly excerpt?: string; readonly durationMs?: number },
): Callback {
  const { status, durationMs = 5, excerpt } = result;
  const record: AttemptRecord = {
    at: new Date(at).toISOString(),
    duration_ms: durationMs,
    status_code: status,
  };
  const outcome: DeliveryOutcome =
    status < 300
      ? { kind: 'delivered', statusCode: status, durationMs }
      : {
          kind: 'retryable',
          failure: { statusCode: status },
          durationMs,
          ...(excerpt !== undefined && { excerpt }),
        };
  journal.attempted(callback, at, record, outcome);
  return { ...callback, attempts: [...callback.attempts, record] };
}
