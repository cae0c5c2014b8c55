import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { formatUtcTimestamp, utcTimestamp } from './utc-timestamp.js';
import type { CallbackTypeDefinition } from './callback-type.js';

/** A change of an endpoint's health. */
export interface EndpointAlertInput {
  /** Who gets the alert: the endpoint's own service, or the operators. */
  readonly recipientId: string;
  /** The endpoint of the alert. */
  readonly callbackApiId: string;
  /** `warned`, `disabled`, `enabled`, `recovered`. */
  readonly change: string;
  readonly at: Date;
  /** The change, in words. */
  readonly text: string;
  /** The details of the change, as in the log. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Beside these fields, an alert has the details of the change, as in the log. */
const endpointAlertPayload = z
  .object({
    change: z.enum(['warned', 'disabled', 'enabled', 'recovered']),
    at: utcTimestamp,
    text: z.string().meta({ description: 'In words' }),
    service_id: z.string(),
    callback_api_id: z.string(),
    callback_type: z.string(),
    service_callback_url: z.string(),
    percent: z.int().optional(),
    failing_since: z.string().optional(),
    attempts_since_success: z.int().optional(),
    last_failure: z.string().nullable().optional(),
    disables_at: z.string().nullable().optional(),
    reason: z.enum(['gone', 'failing', 'by_hand']).optional(),
    waiting: z.int().optional(),
  })
  .describe('Something happened to an endpoint: it fails, was disabled or enabled, or works again');

/** Alerts of the system itself. Chat tools show the field `text`. */
export const endpointAlert = Object.freeze({
  type: 'endpoint_alert',
  identify: ({ recipientId, callbackApiId, change, at }: EndpointAlertInput) => ({
    serviceId: recipientId,
    subjectId: callbackApiId,
    news: `${change} ${at.toISOString()}`,
  }),
  personalFields: Object.freeze([]),
  example: (): EndpointAlertInput => ({
    recipientId: randomUUID(),
    callbackApiId: randomUUID(),
    change: 'recovered',
    at: new Date(),
    text: 'This is a test callback',
    facts: {},
  }),
  schema: endpointAlertPayload,
  payload: ({ change, at, text, facts }: EndpointAlertInput) => ({
    change,
    at: formatUtcTimestamp(at),
    text,
    ...facts,
  }),
} satisfies CallbackTypeDefinition<EndpointAlertInput>);
