import { createHash, timingSafeEqual } from 'node:crypto';
import { bearerTokenOf } from '../http/bearer-token.js';
import { CallbackVerificationError, InvalidReceiverOptionsError } from './errors.js';
import { requiredHeader, type CallbackHeaders } from './headers.js';

/**
 * Verifies `Authorization: Bearer …` in constant time. The token identifies the sender; only the signature proves that
 * the body is theirs.
 *
 * @param tokens during a change of token, the old and the new one
 * @throws CallbackVerificationError whose `reason` says what is wrong with the request
 * @throws InvalidReceiverOptionsError naming each invalid token
 */
export function verifyBearerToken(headers: CallbackHeaders, tokens: string | readonly string[]): void {
  const digests = tokenDigests(tokens);
  const token = bearerTokenOf({ headers: { authorization: requiredHeader(headers, 'authorization') } });
  if (token === undefined)
    throw new CallbackVerificationError(
      'header_malformed',
      'The header authorization is not of the form Bearer <token>',
    );
  const given = digestOf(token);
  const comparisons = digests.map((digest) => timingSafeEqual(digest, given));
  if (!comparisons.includes(true))
    throw new CallbackVerificationError(
      'bearer_token_mismatch',
      `The bearer token is none of those that are accepted (${digests.length})`,
    );
}

/** @throws InvalidReceiverOptionsError */
export function tokenDigests(tokens: string | readonly string[]): readonly Buffer[] {
  const all = [tokens].flat();
  const problems = all.flatMap((token, index) =>
    /^[\x21-\x7e]+$/.test(token) ? [] : [`bearer token ${index + 1} is not of visible ASCII characters`],
  );
  if (all.length === 0) problems.push('there is no bearer token; at least one is needed');
  if (problems.length > 0) throw new InvalidReceiverOptionsError(problems);
  return all.map(digestOf);
}

/** Digests, because the comparison needs texts of equal length. */
function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
