import { z } from 'zod';
import { LOG_STATES } from './records.js';

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

export const uuidParam = z.uuid().toLowerCase();
