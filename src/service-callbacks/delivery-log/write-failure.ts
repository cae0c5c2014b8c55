import { isStoreFault } from '../../database/store-fault.js';

/** Why the database did not take something; `error` is its message. */
export type WriteFailure =
  /** Not now: the same may well succeed later. */
  | { readonly kind: 'away'; readonly error: string }
  /** A day has no table yet. */
  | { readonly kind: 'no_partition'; readonly error: string }
  /** Not this. */
  | { readonly kind: 'refused'; readonly error: string };

/** Check violation: what PostgreSQL says of a row that belongs to no partition. No table of the log has another check. */
const NO_PARTITION = '23514';
/** Lock not available: somebody reads for long. */
const LOCK_TIMEOUT = '55P03';

export function failureOf(thrown: unknown): WriteFailure {
  const { driverError = thrown } = (thrown ?? {}) as { driverError?: unknown };
  const { code, message } = (driverError ?? {}) as { code?: unknown; message?: unknown };
  const error = typeof message === 'string' ? message : String(driverError);
  if (code === NO_PARTITION) return { kind: 'no_partition', error };
  return { kind: code === LOCK_TIMEOUT || isStoreFault(driverError) ? 'away' : 'refused', error };
}
