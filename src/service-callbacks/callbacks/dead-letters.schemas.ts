import { z } from 'zod';
import { EXAMPLE_IDS, EXAMPLE_URL } from '../../http/examples.js';
import { requestBody } from '../../http/request-body.js';
import { text, time as timeText, uuid, whole } from '../../http/response-body.js';
import { GIVE_UP_REASONS } from './callback.js';
import { attemptView } from './callbacks.schemas.js';

const PAGE = { default: 50, max: 200 } as const;

const time = (name: string, description: string, example: string) =>
  z.iso
    .datetime({ offset: true, error: `${name} is not an ISO 8601 date and time` })
    .meta({ description, examples: [example] })
    .transform((value) => new Date(value))
    .optional();

const filter = {
  callback_api_id: z
    .uuid({ error: 'callback_api_id is not a uuid' })
    .meta({ examples: [EXAMPLE_IDS.callbackApi] })
    .optional(),
  reason: z
    .enum(GIVE_UP_REASONS, {
      error: (issue) => `reason ${JSON.stringify(issue.input)} is not one of ${GIVE_UP_REASONS.join(', ')}`,
    })
    .optional(),
  since: time('since', 'Given up at or after', '2026-11-28T00:00:00Z'),
  until: time('until', 'Given up before', '2026-11-29T00:00:00Z'),
};

function strict<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `${issue.keys.join(', ')} is not accepted here; accepted are ${Object.keys(shape).join(', ')}`
        : 'expected an object',
  });
}

export const listDeadLettersQuery = strict({
  ...filter,
  cursor: z.string().meta({ description: '`next_cursor` of the previous page' }).optional(),
  limit: z.coerce
    .number({ error: 'limit is not a number' })
    .int('limit is not a whole number')
    .min(1, 'limit is less than 1')
    .max(PAGE.max, `limit is more than ${PAGE.max}`)
    .default(PAGE.default),
});
export type ListDeadLettersQuery = z.infer<typeof listDeadLettersQuery>;

/** `{}` selects all of them. A request without a body is an error: it replays nothing. */
export const replayDeadLettersBody = requestBody(filter);
export type ReplayDeadLettersBody = z.infer<typeof replayDeadLettersBody>;

export const deadLetterView = z.strictObject({
  id: uuid(EXAMPLE_IDS.callback),
  service_id: text(EXAMPLE_IDS.service).nullable(),
  callback_api_id: uuid(EXAMPLE_IDS.callbackApi).nullable(),
  callback_type: text('delivery_status'),
  subject_id: text(EXAMPLE_IDS.notification, 'What it is about: the id of a notification').nullable(),
  url: text(EXAMPLE_URL).nullable(),
  reason: z.enum(GIVE_UP_REASONS),
  detail: text('The callback API is disabled', 'What is wrong with it or with its replay').nullable(),
  attempts_made: whole(6),
  queued_at: timeText('2026-11-28T14:02:36.801Z'),
  given_up_at: timeText('2026-11-28T14:32:40.006Z'),
  replay_requested_at: timeText('2026-11-28T15:50:00.120Z').nullable(),
  replayed_at: z.null().meta({ description: 'Always null: a replayed callback is no dead letter' }),
});

export const deadLetterWithAttemptsView = deadLetterView.extend({
  attempts: z
    .array(attemptView.omit({ excerpt: true, headers: true }))
    .meta({ description: 'The last 50, oldest first' }),
});

export const replayAllView = z.strictObject({ count: whole(38, 'How many are replayed') });
