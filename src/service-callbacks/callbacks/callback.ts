import type { TraceCarrier } from '../tracing/trace-carrier.js';

/** Why a callback was given up. */
export const GIVE_UP_REASONS = [
  'not_retried',
  'retries_exhausted',
  'expired',
  'cancelled',
  'unreadable',
  'stalled',
  'disabled',
] as const;

export type GiveUpReason = (typeof GIVE_UP_REASONS)[number];

/** Why an endpoint is on hold: it failed too often, or responded with `Retry-After`. */
export const HOLD_REASONS = ['circuit_open', 'retry_after'] as const;

export type HoldReason = (typeof HOLD_REASONS)[number];

/** Why a callback is not sent now. This is no failure. */
export const DEFERRAL_REASONS = [
  ...HOLD_REASONS,
  'endpoint_busy',
  'endpoint_unproven',
  'process_busy',
  'unknown_encryption_key',
  'platform_fault',
] as const;

export type DeferralReason = (typeof DEFERRAL_REASONS)[number];

/** Callbacks up to this priority are of quiet services, which have sent fewer than 127 lately. */
export const QUIET_PRIORITY = 7;

/** One attempt in the record. */
export interface AttemptRecord {
  /** When it started: ISO 8601, UTC. */
  readonly at: string;
  readonly duration_ms: number;
  /** The status code of the response; absent without a response. */
  readonly status_code?: number;
  /** Why there was no response: one of our codes, never bytes from a server. */
  readonly error?: string;
  /** The beginning of a response that was no 2xx: printable, at most 1 KiB, with tokens and payload masked. */
  readonly excerpt?: string;
  /** The headers of the same response: at most 1 KiB, masked likewise. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Its generation; absent before the first replay. */
  readonly generation?: number;
  /** Which worker made it, so that equal attempts of two workers are two. No reader shows it. */
  readonly worker?: string;
}

/** One piece of news for one endpoint, as every part of the module knows it. It has no payload and no token. */
export interface Callback {
  /** A UUIDv7: `callback_id` in the log, `webhook-id` on every request. */
  readonly id: string;
  readonly serviceId: string;
  readonly endpointId: string;
  readonly callbackType: string;
  readonly subjectId: string;
  readonly url: string;
  /** When it was accepted, Unix ms. */
  readonly queuedAt: number;
  /** 0 until the first replay; each replay adds 1. */
  readonly generation: number;
  /** Attempts in all generations. */
  readonly attempts: number;
  /** Attempts in earlier generations. */
  readonly earlierAttempts: number;
  /** Why it was deferred after its last attempt, if that is known. */
  readonly deferral?: DeferralReason | undefined;
  /** The place in a trace at which it was enqueued. */
  readonly trace?: TraceCarrier | undefined;
}

/** The known parts of a callback that may be unreadable. */
export type PartialCallback = Partial<Callback> & Pick<Callback, 'id'>;

/**
 * Whether the next attempt is the very first. Its delay measures how well callbacks are forwarded. The delay of a
 * replay would measure when a person requested the replay.
 */
export function isFirstAttempt({ attempts, generation }: Pick<Callback, 'attempts' | 'generation'>): boolean {
  return attempts === 0 && generation === 0;
}

/** Associated data of a sealed payload: in another callback, it does not decrypt. */
export function payloadBinding(id: string): string {
  return `service-callback:${id}`;
}
