import { z } from 'zod';
import { requestBody } from '../../http/request-body.js';
import { GIVE_UP_REASONS } from './callback.js';
import { LOG_STATES } from './records.js';
import { FINISHED_STATES } from './state-machine.js';

const PAGE = { default: 50, max: 200 } as const;

const time = (name: string) =>
  z.iso
    .datetime({ offset: true, error: `${name} is not an ISO 8601 date and time` })
    .transform((value) => new Date(value))
    .optional();

const query = {
  callback_api_id: z.uuid({ error: 'callback_api_id is not a uuid' }).toLowerCase().optional(),
  state: z
    .enum(LOG_STATES, {
      error: (issue) => `state ${JSON.stringify(issue.input)} is not one of ${LOG_STATES.join(', ')}`,
    })
    .optional(),
  callback_type: z
    .string({ error: 'callback_type is not one text' })
    .max(63, 'callback_type is longer than 63 characters')
    .regex(/^[^\0]*$/, 'callback_type has a NUL in it')
    .optional(),
  reason: z
    .enum(GIVE_UP_REASONS, {
      error: (issue) => `reason ${JSON.stringify(issue.input)} is not one of ${GIVE_UP_REASONS.join(', ')}`,
    })
    .optional(),
  replay_id: z.uuid({ error: 'replay_id is not a uuid' }).toLowerCase().optional(),
  subject_id: z
    .string({ error: 'subject_id is not one text' })
    .min(1, 'subject_id is empty')
    .max(255, 'subject_id is longer than 255 characters')
    .regex(/^[^\0]*$/, 'subject_id has a NUL in it')
    .optional(),
  since: time('since'),
  until: time('until'),
  cursor: z.string().optional(),
  limit: z.coerce
    .number({ error: 'limit is not a number' })
    .int('limit is not a whole number')
    .min(1, 'limit is less than 1')
    .max(PAGE.max, `limit is more than ${PAGE.max}`)
    .default(PAGE.default),
};

export const listCallbacksQuery = z.strictObject(query, {
  error: (issue) =>
    issue.code === 'unrecognized_keys'
      ? `${issue.keys.join(', ')} is not accepted here; accepted are ${Object.keys(query).join(', ')}`
      : 'expected an object',
});
export type ListCallbacksQuery = z.infer<typeof listCallbacksQuery>;

/** Finished callbacks; `since` and `until` are of when they were finished. */
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
  since: query.since,
  until: query.until,
  preview: z.boolean({ error: 'preview is not true or false' }).optional(),
};

/** `{}` is all of them; without a body nothing is replayed. */
export const replayCallbacksBody = requestBody(replay);
export type ReplayCallbacksBody = z.infer<typeof replayCallbacksBody>;
