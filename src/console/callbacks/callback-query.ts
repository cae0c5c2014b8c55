import { z } from 'zod';
import { decodeLogCursor } from '../../service-callbacks/callbacks/log-cursor.js';
import {
  LOG_STATES,
  type LogCursor,
  type LogFilter,
  type LogPage,
} from '../../service-callbacks/callbacks/records.js';

/** Callbacks on a page. */
export const PAGE = 25;

export type RawQuery = Readonly<Record<string, unknown>>;

/** A list's filter as it stands in the address, and as the log takes it. */
export interface CallbackQuery {
  readonly fields: CallbackFields;
  /** Undefined where something is not understood: no callback matches that. */
  readonly filter: Pick<LogFilter, 'state' | 'subjectId' | 'since' | 'until'> | undefined;
  readonly after: LogCursor | undefined;
  readonly problems: Problems<keyof CallbackFields>;
}

/** Field and what is wrong with it. */
export type Problems<Field extends string> = Readonly<Partial<Record<Field, string>>>;

export interface CallbackFields {
  readonly state?: string | undefined;
  readonly subject?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** What `datetime-local` gives; here it is UTC. */
const MINUTE = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/;

/** Text of an address; PostgreSQL takes no NUL. What is none is left out. */
export const text = z
  .string()
  .trim()
  .max(255)
  .refine((given) => !given.includes('\0'))
  .optional()
  .catch(undefined);

const shape = z.object({
  state: z.enum(LOG_STATES).optional().catch(undefined),
  subject: text,
  since: text,
  until: text,
  after: text,
});

/** The page of what does not match. */
export const NONE: LogPage = { callbacks: [], next: null };

export function callbackQueryOf(query: RawQuery): CallbackQuery {
  const { after, ...fields } = shape.parse(query);
  const since = dateOf(fields.since);
  const until = dateOf(fields.until);
  const problems = {
    ...notUnderstood(query, ['state', 'subject', 'since', 'until'], fields),
    ...(since === 'unreadable' && { since: unreadable(fields.since) }),
    ...(until === 'unreadable' && { until: unreadable(fields.until) }),
  };
  const filter = {
    ...(fields.state && { state: fields.state }),
    ...(fields.subject && { subjectId: fields.subject }),
    ...(since instanceof Date && { since }),
    ...(until instanceof Date && { until }),
  };
  return {
    fields,
    filter: Object.keys(problems).length === 0 ? filter : undefined,
    after: after ? decodeLogCursor(after) : undefined,
    problems,
  };
}

/** Fields that were given and could not be read: without them the filter would match more than was meant. */
export function notUnderstood<Field extends string>(
  query: unknown,
  names: readonly Field[],
  fields: Readonly<Partial<Record<Field, unknown>>>,
): Problems<Field> {
  const given = z.record(z.string(), z.unknown()).catch({}).parse(query);
  const left = names.filter((name) => Boolean(given[name]) && fields[name] === undefined);
  return Object.fromEntries(left.map((name) => [name, 'Not understood'])) as Problems<Field>;
}

/** What the field's own calendar cannot show is quoted. */
export function unreadable(given: string | undefined): string {
  return `${JSON.stringify(given)} is not a date and time such as 2026-11-24T09:30`;
}

/** @param text UTC */
export function dateOf(given: string | undefined): Date | 'unreadable' | undefined {
  if (given === undefined || given === '') return undefined;
  const date = MINUTE.test(given) ? new Date(`${given}Z`) : new Date(Number.NaN);
  return Number.isNaN(date.getTime()) ? 'unreadable' : date;
}
