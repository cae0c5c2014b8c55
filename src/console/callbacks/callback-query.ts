import { z } from 'zod';
import { GIVE_UP_REASONS, type GiveUpReason } from '../../service-callbacks/callbacks/callback.js';
import { decodeLogCursor } from '../../service-callbacks/history/list-cursor.js';
import {
  LOG_STATES,
  type LogCursor,
  type LogFilter,
  type LogPage,
  type LogScope,
  type LogState,
} from '../../service-callbacks/history/records.js';
import { isId } from '../is-id.js';

/** Callbacks on a page. */
export const PAGE = 25;

/** Name and length of each span of time that ends now, ms. */
const STRETCHES = { '15m': 900_000, '1h': 3_600_000, '24h': 86_400_000, '7d': 604_800_000 } as const;

/** When callbacks were queued. `outage`: since the beginning of their endpoint's failure. */
export const PERIODS = ['15m', '1h', '24h', '7d', 'outage'] as const;
export type Period = (typeof PERIODS)[number];

export type RawQuery = Readonly<Record<string, unknown>>;

/** The filter of a list: in the address, and for the reader of the log. */
export interface CallbackQuery {
  readonly fields: CallbackFields;
  readonly scope: LogScope;
  /** Undefined if a field is invalid: no callback matches then. */
  readonly filter: LogFilter | undefined;
  readonly after: LogCursor | undefined;
  readonly problems: Problems<keyof CallbackFields>;
}

/** The invalid fields, and what is wrong with them. */
export type Problems<Field extends string> = Readonly<Partial<Record<Field, string>>>;

export interface CallbackFields {
  readonly service?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly type?: string | undefined;
  readonly state?: LogState | undefined;
  readonly reason?: GiveUpReason | undefined;
  readonly subject?: string | undefined;
  readonly period?: Period | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** A replay of many. */
  readonly replay?: string | undefined;
}

/** What is needed to read a filter. */
interface QueryContext {
  /** The scope of the session: only a service's own rows, whatever the address says. */
  readonly own: LogScope;
  readonly now: Date;
  /** The beginning of the failure of the filter's endpoint; null if it does not fail. */
  readonly failingSince?: Date | null;
}

/** The format of `datetime-local`; here it is UTC. */
const MINUTE = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/;

/** A text of the address without NUL, which PostgreSQL does not accept. An empty text is left out. */
export const text = z
  .string()
  .trim()
  .max(255)
  .refine((given) => !given.includes('\0'))
  .optional()
  .catch(undefined);

const shape = z.object({
  service: text,
  endpoint: text,
  type: text,
  state: z.enum(LOG_STATES).optional().catch(undefined),
  reason: z.enum(GIVE_UP_REASONS).optional().catch(undefined),
  subject: text,
  period: z.enum(PERIODS).optional().catch(undefined),
  since: text,
  until: text,
  replay: text,
  after: text,
});

const FIELDS = Object.keys(shape.omit({ after: true }).shape) as (keyof CallbackFields)[];

/** An empty page, for a filter with an invalid field. */
export const NONE: LogPage = { callbacks: [], next: null };

export function callbackQueryOf(
  query: RawQuery,
  { own, now, failingSince = null }: QueryContext,
): CallbackQuery {
  const { after, ...fields } = shape.parse(query);
  const since = dateOf(fields.since);
  const until = dateOf(fields.until);
  const from = startOf(fields.period, now, failingSince);
  const problems = {
    ...notUnderstood(query, FIELDS, fields),
    ...(since === 'unreadable' && { since: unreadable(fields.since) }),
    ...(until === 'unreadable' && { until: unreadable(fields.until) }),
    ...(fields.endpoint && !isId(fields.endpoint) && { endpoint: 'Not an id' }),
    ...(fields.replay && !isId(fields.replay) && { replay: 'Not an id' }),
    ...(from === null && { period: 'Choose an endpoint that is failing now' }),
  };
  const starts = [since, from].filter((start) => start instanceof Date);
  const filter: LogFilter = {
    callbackApiId: fields.endpoint || undefined,
    callbackType: fields.type || undefined,
    state: fields.state,
    reason: fields.reason,
    subjectId: fields.subject || undefined,
    replayId: fields.replay || undefined,
    since: starts.toSorted((one, other) => other.getTime() - one.getTime())[0],
    until: until instanceof Date ? until : undefined,
  };
  return {
    fields,
    scope: own === 'all' && fields.service ? { serviceId: fields.service } : own,
    filter: Object.keys(problems).length === 0 ? filter : undefined,
    after: after ? decodeLogCursor(after) : undefined,
    problems,
  };
}

/** @returns null if there is no such time */
function startOf(period: Period | undefined, now: Date, failingSince: Date | null): Date | null | undefined {
  if (period === undefined) return undefined;
  return period === 'outage' ? failingSince : new Date(now.getTime() - STRETCHES[period]);
}

/** Invalid fields. A filter that leaves them out would match more than was meant. */
export function notUnderstood<Field extends string>(
  query: unknown,
  names: readonly Field[],
  fields: Readonly<Partial<Record<Field, unknown>>>,
): Problems<Field> {
  const given = z.record(z.string(), z.unknown()).catch({}).parse(query);
  const left = names.filter((name) => Boolean(given[name]) && fields[name] === undefined);
  return Object.fromEntries(left.map((name) => [name, 'Not understood'])) as Problems<Field>;
}

/** A time that the field's own calendar cannot show is quoted. */
export function unreadable(given: string | undefined): string {
  return `${JSON.stringify(given)} is not a date and time such as 2026-11-24T09:30`;
}

/** @param text UTC */
export function dateOf(given: string | undefined): Date | 'unreadable' | undefined {
  if (given === undefined || given === '') return undefined;
  const date = MINUTE.test(given) ? new Date(`${given}Z`) : new Date(Number.NaN);
  return Number.isNaN(date.getTime()) ? 'unreadable' : date;
}
