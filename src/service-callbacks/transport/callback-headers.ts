import { validateHeaderValue } from 'node:http';
import { WebhookSigner } from '../security/webhook-signer.js';
import type { CallbackRequest } from './callback-request.js';

/** One signer for the process: its only state is decoded keys. */
const signer = new WebhookSigner();

/**
 * All headers of a callback except those of HTTP itself; the Standard Webhooks headers are among them.
 * @param nowMs the time of the attempt; `webhook-timestamp` is in Unix seconds (Standard Webhooks)
 * @throws TypeError (without the token) if the token cannot be a header: axios would send a part of it
 */
export function callbackHeaders(request: CallbackRequest, nowMs: number): Record<string, string> {
  const { id, body, bearerToken, signingSecrets, extraHeaders } = request;
  const authorization = `Bearer ${bearerToken}`;
  validateHeaderValue('authorization', authorization);
  const timestamp = Math.floor(nowMs / 1000);
  return {
    accept: '*/*',
    'content-type': 'application/json',
    // Only the operators' own endpoint may have no token.
    ...(bearerToken !== '' && { authorization }),
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    ...(signingSecrets.length > 0 && {
      'webhook-signature': signer.sign({ id, timestamp, body }, signingSecrets),
    }),
    'user-agent': 'service-callbacks',
    ...extraHeaders,
  };
}
