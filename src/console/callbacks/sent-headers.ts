import { callbackHeaders } from '../../service-callbacks/transport/callback-headers.js';

export type SentHeaders = Readonly<Record<string, string>>;

const MASK = '[masked]';

/**
 * The request headers of a callback, with its token and signature masked.
 * @param at when the attempt began
 */
export function sentHeaders(id: string, at: Date): SentHeaders {
  const request = { id, url: '', body: '', bearerToken: MASK, signingSecrets: [] };
  const { 'user-agent': userAgent = '', ...headers } = callbackHeaders(request, at.getTime());
  return { ...headers, 'webhook-signature': `v1,${MASK}`, 'user-agent': userAgent };
}
