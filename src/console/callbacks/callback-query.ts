import { z } from 'zod';
import { decodeLogCursor } from '../../service-callbacks/delivery-log/log-cursor.js';
import {
  LOG_STATES,
  type LogCursor,
  type LogFilter,
  type LogState,
} from '../../service-callbacks/delivery-log/records.js';

/** Callbacks on a page. */
export const PAGE = 25;

export type RawQuery = Readonly<Record<string, unknown>>;

/** A list's filter as it stands in the address, and as the log takes it. */
export interface CallbackQuery {
  readonly fields: CallbackFields;
  readonly filter: Pick<LogFilter, 'state' | 'subjectId' | 'since' | 'until'>;
  readonly after: LogCursor | undefined;
  /** Field and what is wrong with it; the field is then left out of the filter. */
  readonly problems: Readonly<Partial<Record<keyof CallbackFields, string>>>;
}

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
  .max(200)
  .refine((given) => !given.includes('\0'))
  .optional()
  .catch(undefined);

const shape = z.object({ state: text, subject: text, since: text, until: text, after: text });

export function callbackQueryOf(query: RawQuery): CallbackQuery {
  const { after, ...fields } = shape.parse(query);
  const since = dateOf(fields.since);
  const until = dateOf(fields.until);
  return {
    fields,
    filter: {
      ...(isState(fields.state) && { state: fields.state }),
      ...(fields.subject && { subjectId: fields.subject }),
      ...(since instanceof Date && { since }),
      ...(until instanceof Date && { until }),
    },
    after: after ? decodeLogCursor(after) : undefined,
    problems: {
      ...(since === 'unreadable' && { since: unreadable(fields.since) }),
      ...(until === 'unreadable' && { until: unreadable(fields.until) }),
    },
  };
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

function isState(given: string | undefined): given is LogState {
  return LOG_STATES.some((state) => state === given);
}
