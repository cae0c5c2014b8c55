import { z } from 'zod';
import { EXAMPLE_IDS, EXAMPLE_URL } from '../../http/examples.js';
import { uuidParam } from '../../http/ids.js';
import { requestBody } from '../../http/request-body.js';
import { text, time as timeText, uuid, whole } from '../../http/response-body.js';
import { GIVE_UP_REASONS } from '../callbacks/callback.js';
import { decodeDeadLetterCursor, decodeLogCursor } from '../history/list-cursor.js';
import { LOG_STATES } from '../history/records.js';
import { FINISHED_STATES } from '../callbacks/state-machine.js';

const PAGE = { default: 50, max: 200 } as const;

export const callbackId = uuidParam.meta({ description: 'The callback', examples: [EXAMPLE_IDS.callback] });
export const replayId = uuidParam.meta({ description: 'The replay', examples: [EXAMPLE_IDS.replay] });

const time = (name: string, description: string, example: string) =>
  z.iso
    .datetime({ offset: true, error: `${name} is not an ISO 8601 date and time` })
    .meta({ description, examples: [example] })
    .transform((value) => new Date(value))
    .optional();

/** Which page of a list. @param decode undefined: not a cursor of this list */
const pageBy = <Place>(decode: (cursor: string) => Place | undefined) => ({
  cursor: z
    .string({ error: 'cursor is not one text' })
    .meta({ description: '`next_cursor` of the previous page' })
    .transform((cursor, context) => {
      const place = decode(cursor);
      if (place === undefined) context.addIssue('cursor is not one of this list');
      return place;
    })
    .optional(),
  limit: z.coerce
    .number({ error: 'limit is not a number' })
    .int('limit is not a whole number')
    .min(1, 'limit is less than 1')
    .max(PAGE.max, `limit is more than ${PAGE.max}`)
    .default(PAGE.default),
});

const query = {
  callback_api_id: z
    .uuid({ error: 'callback_api_id is not a uuid' })
    .toLowerCase()
    .meta({ examples: [EXAMPLE_IDS.callbackApi] })
    .optional(),
  state: z
    .enum(LOG_STATES, {
      error: (issue) => `state ${JSON.stringify(issue.input)} is not one of ${LOG_STATES.join(', ')}`,
    })
    .optional(),
  callback_type: z
    .string({ error: 'callback_type is not one text' })
    .max(63, 'callback_type is longer than 63 characters')
    .regex(/^[^\0]*$/, 'callback_type has a NUL in it')
    .meta({ examples: ['delivery_status'] })
    .optional(),
  reason: z
    .enum(GIVE_UP_REASONS, {
      error: (issue) => `reason ${JSON.stringify(issue.input)} is not one of ${GIVE_UP_REASONS.join(', ')}`,
    })
    .optional(),
  replay_id: z
    .uuid({ error: 'replay_id is not a uuid' })
    .toLowerCase()
    .meta({ description: 'Those of one replay of many', examples: [EXAMPLE_IDS.replay] })
    .optional(),
  subject_id: z
    .string({ error: 'subject_id is not one text' })
    .min(1, 'subject_id is empty')
    .max(255, 'subject_id is longer than 255 characters')
    .regex(/^[^\0]*$/, 'subject_id has a NUL in it')
    .meta({ description: 'What it is about: the id of a notification', examples: [EXAMPLE_IDS.notification] })
    .optional(),
  since: time('since', 'Accepted at or after', '2026-11-28T00:00:00Z'),
  until: time('until', 'Accepted before', '2026-11-29T00:00:00Z'),
  ...pageBy(decodeLogCursor),
};

export const listCallbacksQuery = requestBody(query, 'expected an object');
export type ListCallbacksQuery = z.infer<typeof listCallbacksQuery>;

const preview = z
  .boolean({ error: 'preview is not true or false' })
  .meta({ description: 'Only count them', examples: [true] })
  .optional();

/** Finished callbacks. */
const replay = {
  callback_api_id: query.callback_api_id,
  callback_type: query.callback_type,
  state: z
    .enum(FINISHED_STATES, {
      error: (issue) => `state ${JSON.stringify(issue.input)} is not one of ${FINISHED_STATES.join(', ')}`,
    })
    .optional(),
  reason: query.reason,
  subject_id: query.subject_id,
  since: time('since', 'Finished at or after', '2026-11-28T00:00:00Z'),
  until: time('until', 'Finished before', '2026-11-29T00:00:00Z'),
  preview,
};

/** `{}` selects all of them. A request without a body is an error: it replays nothing. */
export const replayCallbacksBody = requestBody(replay);
export type ReplayCallbacksBody = z.infer<typeof replayCallbacksBody>;

export const callbackView = z.strictObject({
  id: uuid(EXAMPLE_IDS.callback, '`webhook-id` of each request'),
  service_id: text(EXAMPLE_IDS.service).nullable(),
  callback_api_id: uuid(EXAMPLE_IDS.callbackApi).nullable(),
  callback_type: text('delivery_status'),
  subject_id: text(EXAMPLE_IDS.notification, 'What it is about: the id of a notification').nullable(),
  url: text(EXAMPLE_URL, 'Where it was sent last, or is to be sent').nullable(),
  state: z
    .enum(LOG_STATES)
    .meta({ description: '`deferred`: postponed without an attempt', examples: ['retrying'] }),
  reason: z.enum(GIVE_UP_REASONS).meta({ description: 'Why it was given up' }).nullable(),
  detail: text('circuit_open', 'Why it is deferred, or what is wrong with it').nullable(),
  generation: whole(0, 'How often it was replayed'),
  attempts_made: whole(2),
  last_status_code: whole(503).nullable(),
  last_error: text('timeout').nullable(),
  queued_at: timeText('2026-11-28T14:02:36.801Z'),
  first_attempt_at: timeText('2026-11-28T14:02:36.842Z').nullable(),
  last_attempt_at: timeText('2026-11-28T14:07:37.113Z').nullable(),
  next_attempt_at: timeText(
    '2026-11-28T14:12:37.400Z',
    'While it is retrying or deferred; on hold, that of its endpoint',
  ).nullable(),
  finished_at: timeText('2026-11-28T14:12:37.900Z', 'Delivered or given up').nullable(),
  replayed_at: timeText('2026-11-28T14:12:37.900Z', 'When its last replay began').nullable(),
  replay_requested_at: timeText(
    '2026-11-28T14:12:37.900Z',
    'While it waits for the turn of its replay',
  ).nullable(),
  forward_ms: whole(41, 'From acceptance to the start of the first attempt').nullable(),
});

export const attemptView = z.strictObject({
  at: timeText('2026-11-28T14:07:37.113Z'),
  duration_ms: whole(287),
  status_code: whole(503, 'Absent without a response').optional(),
  error: text('timeout', 'Why there was no response').optional(),
  excerpt: text('Service Unavailable', 'The first KiB of a response that was no 2xx, printable').optional(),
  headers: z
    .record(z.string(), z.string())
    .meta({ description: 'Of that response, 1 KiB of them', examples: [{ server: 'nginx' }] })
    .optional(),
  generation: whole(1, 'Which replay it belongs to; absent before the first').optional(),
});

export const callbackWithAttemptsView = callbackView.extend({
  has_payload: z.boolean().meta({ description: 'It can be replayed', examples: [true] }),
  attempts: z.array(attemptView).meta({ description: 'The last 50, oldest first' }),
});

export const queuedView = z.strictObject({
  id: uuid(EXAMPLE_IDS.callback),
  queued: z.boolean().meta({ description: '`false`: it is open already', examples: [true] }),
});

export const replayStartedView = z.strictObject({
  count: whole(38, 'How many match and can be replayed now'),
  replay_id: uuid(EXAMPLE_IDS.replay, 'Null if none matches; absent in a preview').nullable().optional(),
});

export const replayRunView = z.strictObject({
  id: uuid(EXAMPLE_IDS.replay),
  total: whole(38),
  queued: whole(21, 'Sent again'),
  refused: whole(0, 'Could not be replayed; their `detail` says why'),
  waiting: whole(17, 'Still to come'),
  under_way: whole(2, 'Sent again and not finished'),
  delivered: whole(19, 'Arrived'),
  given_up: whole(0, 'Given up once more'),
  requested_at: timeText('2026-11-28T15:50:00.120Z'),
  advanced_at: timeText('2026-11-28T15:50:02.131Z').nullable(),
  stopped_at: timeText('2026-11-28T15:50:02.512Z').nullable(),
});

const deadLetters = {
  callback_api_id: query.callback_api_id,
  reason: query.reason,
  since: time('since', 'Given up at or after', '2026-11-28T00:00:00Z'),
  until: time('until', 'Given up before', '2026-11-29T00:00:00Z'),
};

export const listDeadLettersQuery = requestBody(
  { ...deadLetters, ...pageBy(decodeDeadLetterCursor) },
  'expected an object',
);
export type ListDeadLettersQuery = z.infer<typeof listDeadLettersQuery>;

/** `{}` selects all of them. A request without a body is an error: it replays nothing. */
export const replayDeadLettersBody = requestBody({ ...deadLetters, preview });
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
