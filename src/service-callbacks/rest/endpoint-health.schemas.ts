import { z } from 'zod';
import { EXAMPLE_IDS, EXAMPLE_URL } from '../../http/examples.js';
import { idText } from '../../http/ids.js';
import { requestBody } from '../../http/request-body.js';
import { text, time, uuid, whole } from '../../http/response-body.js';

const updatedById = {
  updated_by_id: idText('updated_by_id', {
    example: EXAMPLE_IDS.user,
    description: 'The user who does this',
  }).optional(),
};

/** The body is optional. */
export const disableBody = requestBody(updatedById).optional();
export type DisableBody = z.infer<typeof disableBody>;

/** The body is optional: without it nothing is replayed. */
export const enableBody = requestBody({
  ...updatedById,
  replay: z
    .boolean({ error: 'replay is not true or false' })
    .meta({ description: 'Also replay what was kept while it was disabled', examples: [true] })
    .optional(),
}).optional();
export type EnableBody = z.infer<typeof enableBody>;

export const endpointStateView = z.strictObject({
  id: uuid(EXAMPLE_IDS.callbackApi),
  service_id: text(EXAMPLE_IDS.service),
  callback_type: text('delivery_status'),
  url: text(EXAMPLE_URL),
  disabled_at: time('2026-11-28T15:40:02.771Z', 'Null while it is enabled').nullable(),
  disabled_reason: z
    .enum(['gone', 'failing', 'by_hand'])
    .meta({ description: '`gone`: its server responded with 410; `failing`: it failed for too long' })
    .nullable(),
});

const keptCallbacks = z.strictObject({
  reason: z.literal('disabled'),
  waiting: whole(12, 'Callbacks that were kept while it was disabled and wait for a replay'),
});

export const enabledView = endpointStateView.extend({
  dead_letters: keptCallbacks.extend({ replaying: whole(0, 'How many of them are replayed now') }),
  replay: z
    .strictObject({
      method: z.literal('POST'),
      path: text(`/service/${EXAMPLE_IDS.service}/dead-letters/replay`),
      body: z.strictObject({ callback_api_id: uuid(EXAMPLE_IDS.callbackApi), reason: z.literal('disabled') }),
    })
    .meta({ description: 'The request that replays what was kept' }),
});

export const endpointHealthView = endpointStateView.extend({
  status: z
    .enum(['unknown', 'healthy', 'failing', 'disabled'])
    .meta({ description: '`unknown`: no attempt was made yet' }),
  last_success_at: time('2026-11-28T15:38:11.204Z').nullable(),
  last_failure_at: time('2026-11-28T14:02:37.950Z').nullable(),
  last_failure: text('503', 'A status code, or an error code such as `timeout`').nullable(),
  failing_since: time('2026-11-28T14:02:37.950Z', 'Null if the last attempt succeeded').nullable(),
  attempts_since_success: whole(0),
  warned_percent: whole(
    0,
    'How much of the time after which it is disabled was over at the last warning of this failure',
  ),
  disables_at: time('2026-12-03T14:02:37.950Z', 'When it is disabled if it continues to fail').nullable(),
  hours: z
    .array(
      z.strictObject({
        at: time('2026-11-28T15:00:00.000Z'),
        delivered: whole(1841),
        failed: whole(3, 'Attempts without a 2xx'),
        deferred: whole(0),
        given_up: whole(0),
      }),
    )
    .meta({ description: 'The last 24 hours, oldest first' }),
  answer_ms: z
    .strictObject({
      p50: z
        .number()
        .meta({ examples: [64] })
        .nullable(),
      p99: z
        .number()
        .meta({ examples: [362] })
        .nullable(),
    })
    .meta({ description: 'How long its responses took in these hours: estimates, within a factor of √2' }),
  circuit: z
    .strictObject({
      state: z.enum(['open', 'half_open']),
      until: time('2026-11-28T15:45:00.000Z', 'When the next probe follows').nullable(),
    })
    .meta({ description: 'While it is on hold' })
    .nullable(),
  backlog: whole(0, 'Callbacks that wait for a later attempt, counted to 10,000'),
  next_at: time('2026-11-28T15:45:00.000Z', 'When the first of them is attempted').nullable(),
  dead_letters: keptCallbacks,
});

export const testResultView = z.strictObject({
  id: uuid(EXAMPLE_IDS.test, '`webhook-id` of the test; no callback of the list has it'),
  url: text(EXAMPLE_URL),
  at: time('2026-11-28T15:41:20.015Z'),
  outcome: z
    .enum(['delivered', 'retryable', 'final'])
    .meta({ description: 'What a callback with this result would be: delivered, retried, or not retried' }),
  status_code: whole(204, 'Null without a response').nullable(),
  error: text('timeout', 'Why there was no response').nullable(),
  duration_ms: whole(87),
  address: text('203.0.113.5:443', 'Where it was connected to, or was to be first').nullable(),
  addresses: z
    .array(z.string().meta({ examples: ['203.0.113.5'] }))
    .readonly()
    .meta({ description: 'What the host name resolved to' }),
  tls: z
    .strictObject({
      protocol: text('TLSv1.3').nullable(),
      certificate: z.strictObject({
        subject: text('CN=claims.example.gov.uk'),
        names: text('DNS:claims.example.gov.uk'),
        issuer: text('C=US, O=Example Trust, CN=E5'),
        valid_from: time('2026-10-01T00:00:00.000Z'),
        valid_to: time('2026-12-30T23:59:59.000Z'),
      }),
    })
    .nullable(),
  location: text(
    'https://claims.example.gov.uk/login',
    'The `Location` of a redirect, which is not followed',
  ).nullable(),
  excerpt: text('{"error":"unknown reference"}', 'The first KiB of the response, printable').nullable(),
  hint: text('The endpoint works: it responded with 204 after 87 ms.', 'What this means and what to do'),
});
