import { z } from 'zod';
import { idText } from '../../http/ids.js';
import { fieldError, requestBody } from '../../http/request-body.js';

/** Lengths in characters. The URL bound is what common proxies accept. */
const BEARER_TOKEN = { min: 10, max: 1_000 } as const;
const URL_MAX = 2_048;

const url = z
  .string({ error: fieldError('url', 'url is not a string') })
  .max(URL_MAX, `url is longer than ${URL_MAX} characters`);
const bearerToken = z
  .string({ error: fieldError('bearer_token', 'bearer_token is not a string') })
  .min(BEARER_TOKEN.min, `bearer_token is shorter than ${BEARER_TOKEN.min} characters`)
  .max(BEARER_TOKEN.max, `bearer_token is longer than ${BEARER_TOKEN.max} characters`)
  // Whatever can stand in a header; RFC 6750 §2.1 is narrower, the tokens in use are not.
  .regex(/^[\x21-\x7e]*$/, 'bearer_token has characters that cannot stand in an Authorization header');
const callbackType = z.string({ error: fieldError('callback_type', 'callback_type is not a string') });

export const createCallbackApiBody = requestBody({
  callback_type: callbackType,
  url,
  bearer_token: bearerToken,
  updated_by_id: idText('updated_by_id'),
});
export type CreateCallbackApiBody = z.infer<typeof createCallbackApiBody>;

export const updateCallbackApiBody = requestBody({
  updated_by_id: idText('updated_by_id'),
  url: url.optional(),
  bearer_token: bearerToken.optional(),
  callback_type: callbackType.optional(),
});
export type UpdateCallbackApiBody = z.infer<typeof updateCallbackApiBody>;
