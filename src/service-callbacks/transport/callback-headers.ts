import { validateHeaderValue } from 'node:http';
import { WebhookSigner } from '../security/webhook-signer.js';
import type { CallbackRequest } from './callback-request.js';

/** One for the process: all it holds is decoded keys. */
const signer = new WebhookSigner();

/**
 * All headers of a callback but those that HTTP itself needs; the Standard Webhooks headers are among them.
 *
 * @param nowMs the attempt's time; `webhook-timestamp` is in Unix seconds (Standard Webhooks)
 * @throws TypeError (without the token) when it cannot be a header: axios would send what is left of it
 */
export function callbackHeaders(request: CallbackRequest, nowMs: number): Record<string, string> {
  const { id, body, bearerToken, signingSecrets, extraHeaders } = request;
  const authorization = `Bearer ${bearerToken}`;
  validateHeaderValue('authorization', authorization);
  const timestamp = Math.floor(nowMs / 1000);
  return {
    accept: '*/*',
    'content-type': 'application/json',
    // Only an endpoint of the operators' own may have none.
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
