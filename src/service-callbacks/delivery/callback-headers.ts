import { validateHeaderValue } from 'node:http';
import type { CallbackRequest } from './callback-request.js';

/**
 * Every header of a callback but those HTTP itself needs (R8).
 *
 * @param nowMs the attempt's time; `webhook-timestamp` is in Unix seconds (Standard Webhooks)
 * @throws TypeError (without the token) when it cannot be a header: axios would send what is left of it
 */
export function callbackHeaders(request: CallbackRequest, nowMs: number): Record<string, string> {
  const authorization = `Bearer ${request.bearerToken}`;
  validateHeaderValue('authorization', authorization);
  return {
    accept: '*/*',
    'content-type': 'application/json',
    authorization,
    'webhook-id': request.id,
    'webhook-timestamp': String(Math.floor(nowMs / 1000)),
    'user-agent': 'service-callbacks',
  };
}
