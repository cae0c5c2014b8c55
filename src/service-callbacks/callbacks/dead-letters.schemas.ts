import { z } from 'zod';
import { GIVE_UP_REASONS } from './callback.js';

const PAGE = { default: 50, max: 200 } as const;

const time = (name: string) =>
  z.iso
    .datetime({ offset: true, error: `${name} is not an ISO 8601 date and time` })
    .transform((value) => new Date(value))
    .optional();

const filter = {
  callback_api_id: z.uuid({ error: 'callback_api_id is not a uuid' }).optional(),
  reason: z
    .enum(GIVE_UP_REASONS, {
      error: (issue) => `reason ${JSON.stringify(issue.input)} is not one of ${GIVE_UP_REASONS.join(', ')}`,
    })
    .optional(),
  since: time('since'),
  until: time('until'),
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
  cursor: z.string().optional(),
  limit: z.coerce
    .number({ error: 'limit is not a number' })
    .int('limit is not a whole number')
    .min(1, 'limit is less than 1')
    .max(PAGE.max, `limit is more than ${PAGE.max}`)
    .default(PAGE.default),
});
export type ListDeadLettersQuery = z.infer<typeof listDeadLettersQuery>;

/** `{}` is all of them; without a body nothing is replayed. */
export const replayDeadLettersBody = strict(filter);
export type ReplayDeadLettersBody = z.infer<typeof replayDeadLettersBody>;
