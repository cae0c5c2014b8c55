import type { AttemptRecord, Callback } from '../callbacks/callback.js';
import type { DeliveryOutcome } from '../transport/delivery-outcome.js';

/**
 * An attempt in the form of the record.
 * @param startedAt Unix ms
 */
export function attemptRecordOf(
  { generation }: Pick<Callback, 'generation'>,
  startedAt: number,
  outcome: DeliveryOutcome,
): AttemptRecord {
  const facts = {
    at: new Date(startedAt).toISOString(),
    duration_ms: outcome.durationMs,
    ...(generation > 0 && { generation }),
  };
  if (outcome.kind === 'delivered') return { ...facts, status_code: outcome.statusCode };
  const { statusCode, error } = outcome.failure;
  if (statusCode === undefined) return { ...facts, error };
  return {
    ...facts,
    status_code: statusCode,
    ...(outcome.excerpt !== undefined && { excerpt: outcome.excerpt }),
    ...(outcome.headers !== undefined && { headers: outcome.headers }),
  };
}
