import { z } from 'zod';
import {
  ENDPOINT_ORDERS,
  ENDPOINT_STATES,
  type EndpointQuery,
} from '../../service-callbacks/history/records.js';
import { paths, withQuery } from '../paths.js';

/** Endpoints on a page, and the most that a page can have. */
const ENDPOINTS = { step: 50, max: 1_000 } as const;

/** Invalid values are ignored: the list says what it shows. */
const shape = z.object({
  order: z.enum(ENDPOINT_ORDERS).catch('trouble'),
  state: z.enum(ENDPOINT_STATES).optional().catch(undefined),
  text: z
    .string()
    .trim()
    .max(255)
    .refine((text) => !text.includes('\0'))
    .transform((text) => text || undefined)
    .optional()
    .catch(undefined),
  endpoints: z.coerce.number().int().min(ENDPOINTS.step).max(ENDPOINTS.max).catch(ENDPOINTS.step),
});

export type OverviewQuery = Required<Pick<EndpointQuery, 'order' | 'limit'>> & EndpointQuery;

export function overviewQueryOf(query: unknown): OverviewQuery {
  const { endpoints, ...rest } = shape.parse(query);
  return { ...rest, limit: endpoints };
}

/** The overview with this list of endpoints. */
export function overviewAddress({ order, state, text, limit }: EndpointQuery): string {
  return withQuery(paths.overview, {
    order: order === 'trouble' ? undefined : order,
    state,
    text,
    endpoints: limit === undefined || limit === ENDPOINTS.step ? undefined : String(limit),
  });
}

/** With twice as many; null if these are all, or already the most. */
export function moreOf(query: OverviewQuery, listed: number): string | null {
  const limit = query.limit ?? ENDPOINTS.step;
  if (listed < limit || limit >= ENDPOINTS.max) return null;
  return overviewAddress({ ...query, limit: Math.min(2 * limit, ENDPOINTS.max) });
}
