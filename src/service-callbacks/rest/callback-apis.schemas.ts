import { z } from 'zod';
import { EXAMPLE_IDS, EXAMPLE_URL } from '../../http/examples.js';
import { idText, uuidParam } from '../../http/ids.js';
import { fieldError, requestBody } from '../../http/request-body.js';
import { text, time, uuid } from '../../http/response-body.js';
import { BUILT_IN_CALLBACK_TYPES } from '../callback-types/built-in-callback-types.js';

export const callbackApiId = uuidParam.meta({
  description: 'The callback API',
  examples: [EXAMPLE_IDS.callbackApi],
});

/** Lengths in characters. The URL's limit is the one of common proxies. */
const BEARER_TOKEN = { min: 10, max: 1_000 } as const;
const URL_MAX = 2_048;

const url = z
  .string({ error: fieldError('url', 'url is not a string') })
  .max(URL_MAX, `url is longer than ${URL_MAX} characters`)
  .meta({ description: 'An https URL whose host has a public address', examples: [EXAMPLE_URL] });
const bearerToken = z
  .string({ error: fieldError('bearer_token', 'bearer_token is not a string') })
  .min(BEARER_TOKEN.min, `bearer_token is shorter than ${BEARER_TOKEN.min} characters`)
  .max(BEARER_TOKEN.max, `bearer_token is longer than ${BEARER_TOKEN.max} characters`)
  // Any characters of a header: RFC 6750 §2.1 allows fewer, but tokens in use have more.
  .regex(/^[\x21-\x7e]*$/, 'bearer_token has characters that cannot stand in an Authorization header')
  .meta({
    description: 'Sent as `Authorization: Bearer …` with each callback; no response shows it',
    examples: ['kDh3rPz1vQ8sYw6bT0xN'],
  });
const callbackType = z.string({ error: fieldError('callback_type', 'callback_type is not a string') }).meta({
  description: `One of ${BUILT_IN_CALLBACK_TYPES.join(', ')}, or a type of the host's own`,
  examples: ['delivery_status'],
});
const updatedById = idText('updated_by_id', {
  example: EXAMPLE_IDS.user,
  description: 'The user who does this',
});

export const createCallbackApiBody = requestBody({
  callback_type: callbackType,
  url,
  bearer_token: bearerToken,
  updated_by_id: updatedById,
});
export type CreateCallbackApiBody = z.infer<typeof createCallbackApiBody>;

export const updateCallbackApiBody = requestBody({
  updated_by_id: updatedById,
  url: url.optional(),
  bearer_token: bearerToken.optional(),
  callback_type: callbackType.optional(),
});
export type UpdateCallbackApiBody = z.infer<typeof updateCallbackApiBody>;

export const callbackApiView = z.strictObject({
  id: uuid(EXAMPLE_IDS.callbackApi),
  service_id: text(EXAMPLE_IDS.service),
  callback_type: text('delivery_status'),
  url: text(EXAMPLE_URL),
  updated_by_id: text(EXAMPLE_IDS.user, 'Who changed it last; null: code that did not say').nullable(),
  created_at: time('2026-11-28T09:12:44.318Z'),
  updated_at: time('2026-11-28T15:40:02.771Z').nullable(),
});

export const callbackApiWithSecretView = callbackApiView.extend({
  signing_secret: text(
    'whsec_c2FtcGxlLXNlY3JldC1mb3ItZG9jdW1lbnRhdGlvbiE=',
    'Verifies `webhook-signature`. Shown only in this response',
  ),
  previous_signing_secret_until: time(
    '2026-11-29T15:40:02.771Z',
    'Until then requests are signed with the previous secret as well',
  ).nullable(),
});
