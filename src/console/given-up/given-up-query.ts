import { z } from 'zod';
import { decodeDeadLetterCursor } from '../../service-callbacks/history/list-cursor.js';
import { GIVE_UP_REASONS, type GiveUpReason } from '../../service-callbacks/callbacks/callback.js';
import type {
  DeadLetterCursor,
  DeadLetterFilter,
} from '../../service-callbacks/history/dead-letter.repository.js';
import type { LogScope } from '../../service-callbacks/history/records.js';
import { isId } from '../is-id.js';
import { dateOf, notUnderstood, text, unreadable, type Problems } from '../callbacks/callback-query.js';

/** The filter as it stands in an address or in the hidden fields of a form. */
export interface GivenUpFields {
  readonly service?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly reason?: GiveUpReason | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

export interface GivenUpQuery {
  readonly fields: GivenUpFields;
  readonly scope: LogScope;
  readonly filter: DeadLetterFilter;
  readonly after: DeadLetterCursor | undefined;
  readonly problems: Problems<keyof GivenUpFields>;
}

const shape = z.object({
  service: text,
  endpoint: text,
  reason: z.enum(GIVE_UP_REASONS).optional().catch(undefined),
  since: text,
  until: text,
  after: text,
});

/**
 * @param own the scope of the session: only a service's own rows, whatever the address says
 * @returns with `problems` for a list to show; an action on rows must reject any
 */
export function givenUpQueryOf(query: unknown, own: LogScope): GivenUpQuery {
  const { after, ...fields } = shape.parse(query);
  const since = dateOf(fields.since);
  const until = dateOf(fields.until);
  const endpoint = fields.endpoint || undefined;
  return {
    fields,
    scope: own === 'all' && fields.service ? { serviceId: fields.service } : own,
    filter: {
      ...(endpoint !== undefined && { callbackApiId: endpoint }),
      ...(fields.reason !== undefined && { reason: fields.reason }),
      ...(since instanceof Date && { since }),
      ...(until instanceof Date && { until }),
    },
    after: after ? decodeDeadLetterCursor(after) : undefined,
    problems: {
      ...notUnderstood(query, ['service', 'endpoint', 'reason', 'since', 'until'], fields),
      ...(since === 'unreadable' && { since: unreadable(fields.since) }),
      ...(until === 'unreadable' && { until: unreadable(fields.until) }),
      ...(endpoint !== undefined && !isId(endpoint) && { endpoint: 'Not an id' }),
    },
  };
}

/** An invalid value matches nothing. */
export function isUnderstood({ problems }: Pick<GivenUpQuery, 'problems'>): boolean {
  return Object.keys(problems).length === 0;
}
