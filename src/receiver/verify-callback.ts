import { createHmac, timingSafeEqual } from 'node:crypto';
import { signingKeyOf } from '../service-callbacks/security/signing-secret.js';
import { CallbackVerificationError, InvalidReceiverOptionsError } from './errors.js';
import { requiredHeader, valuesOf, type CallbackHeaders } from './headers.js';

export interface VerifyOptions {
  /** The largest difference between `webhook-timestamp` and now, in seconds, past or future. Default 300. */
  readonly toleranceSeconds?: number;
  /** The current time, Unix ms. Default `Date.now`. */
  readonly now?: () => number;
}

/** A callback whose signature is valid. */
export interface VerifiedCallback<Payload = unknown> {
  /** `webhook-id`: the same on every attempt and replay of this callback. */
  readonly id: string;
  /** When this attempt was made, to the second. */
  readonly attemptedAt: Date;
  /** Whether it is a test callback. Its payload is made up and has `test: true`; the request has `webhook-test`. */
  readonly isTest: boolean;
  /** Typed as the sender describes it; only the signature is checked. */
  readonly payload: Payload;
}

const DEFAULT_TOLERANCE_SECONDS = 300;

/** Bytes of a secret (Standard Webhooks, "Signature scheme"). */
const SECRET_BYTES = { min: 24, max: 64 } as const;

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const SIGNATURE = /^v1,([A-Za-z0-9+/]{43}=)$/;
const UNIX_SECONDS = /^\d{1,11}$/;

/**
 * Verifies a request by the Standard Webhooks specification.
 *
 * @param rawBody the bytes of the body, before any parser
 * @param secrets `whsec_…`; during a rotation, the old and the new one
 * @throws CallbackVerificationError whose `reason` says what is wrong with the request
 * @throws InvalidReceiverOptionsError naming each invalid secret
 */
export function verifyCallback<Payload = unknown>(
  rawBody: string | Uint8Array,
  headers: CallbackHeaders,
  secrets: string | readonly string[],
  { toleranceSeconds = DEFAULT_TOLERANCE_SECONDS, now = Date.now }: VerifyOptions = {},
): VerifiedCallback<Payload> {
  if (typeof rawBody !== 'string' && !(rawBody instanceof Uint8Array))
    throw new TypeError(`rawBody is ${typeof rawBody}; it must be the bytes of the body, not yet parsed`);
  const keys = signingKeys(secrets);
  const id = requiredHeader(headers, 'webhook-id');
  const timestamp = requiredHeader(headers, 'webhook-timestamp');
  const signatures = signaturesIn(requiredHeader(headers, 'webhook-signature'));
  const attemptedAt = timeOf(timestamp);
  assertRecent(attemptedAt, now(), toleranceSeconds);
  const expected = keys.map((key) => signatureOf(key, `${id}.${timestamp}.`, rawBody));
  if (!isAnySame(expected, signatures))
    throw new CallbackVerificationError(
      'signature_mismatch',
      `None of the signatures in webhook-signature (${signatures.length}) is of one of the secrets (${keys.length})`,
    );
  const payload = parsed(rawBody);
  return { id, attemptedAt, isTest: isTest(headers, payload), payload: payload as Payload };
}

/** @throws InvalidReceiverOptionsError */
export function signingKeys(secrets: string | readonly string[]): readonly Buffer[] {
  const all = [secrets].flat();
  const problems = all.flatMap((secret, index) => (isSecret(secret) ? [] : [problemOf(index)]));
  if (all.length === 0) problems.push('there is no signing secret; at least one is needed');
  if (problems.length > 0) throw new InvalidReceiverOptionsError(problems);
  return all.map(signingKeyOf);
}

function isSecret(secret: unknown): boolean {
  if (typeof secret !== 'string' || !BASE64.test(secret.replace(/^whsec_/, ''))) return false;
  const { length } = signingKeyOf(secret);
  return length >= SECRET_BYTES.min && length <= SECRET_BYTES.max;
}

function problemOf(index: number): string {
  return `signing secret ${index + 1} is not whsec_ and base64 of ${SECRET_BYTES.min} to ${SECRET_BYTES.max} bytes`;
}

/** Signatures of other versions are skipped. */
function signaturesIn(header: string): readonly Buffer[] {
  const signatures = header.split(' ').flatMap((part) => SIGNATURE.exec(part)?.[1] ?? []);
  if (signatures.length === 0)
    throw new CallbackVerificationError(
      'header_malformed',
      'The header webhook-signature has no signature of the form v1,<base64 of 32 bytes>',
    );
  return signatures.map((signature) => Buffer.from(signature, 'base64'));
}

function timeOf(timestamp: string): Date {
  if (UNIX_SECONDS.test(timestamp)) return new Date(Number(timestamp) * 1_000);
  throw new CallbackVerificationError(
    'header_malformed',
    'The header webhook-timestamp is no time in seconds since 1970',
  );
}

function assertRecent(attemptedAt: Date, now: number, toleranceSeconds: number): void {
  const ageSeconds = Math.round((now - attemptedAt.getTime()) / 1_000);
  if (Math.abs(ageSeconds) <= toleranceSeconds) return;
  const tooOld = ageSeconds > 0;
  throw new CallbackVerificationError(
    tooOld ? 'timestamp_too_old' : 'timestamp_too_new',
    `The header webhook-timestamp is ${Math.abs(ageSeconds)} s ${tooOld ? 'ago' : 'ahead'}; ` +
      `at most ${toleranceSeconds} s are accepted`,
  );
}

function signatureOf(key: Buffer, head: string, rawBody: string | Uint8Array): Buffer {
  return createHmac('sha256', key).update(head).update(rawBody).digest();
}

/** Compares every pair, so that the duration does not depend on which of them are equal. */
function isAnySame(expected: readonly Buffer[], given: readonly Buffer[]): boolean {
  const comparisons = expected.flatMap((one) => given.map((other) => timingSafeEqual(one, other)));
  return comparisons.includes(true);
}

/** The header is not signed, so the payload must say the same. */
function isTest(headers: CallbackHeaders, payload: unknown): boolean {
  return (
    valuesOf(headers, 'webhook-test')[0] === 'true' && (payload as { test?: unknown } | null)?.test === true
  );
}

function parsed(rawBody: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof rawBody === 'string' ? rawBody : Buffer.from(rawBody).toString('utf8'));
  } catch {
    throw new CallbackVerificationError('body_not_json', 'The body is signed but is not JSON');
  }
}
