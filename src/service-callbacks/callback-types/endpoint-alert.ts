import { randomUUID } from 'node:crypto';
import { formatUtcTimestamp } from './utc-timestamp.js';
import type { CallbackTypeDefinition } from './callback-type.js';

/** Something happened to an endpoint that callbacks go to. */
export interface EndpointAlertInput {
  /** Whom it is sent to: the endpoint's own service, or the operators. */
  readonly recipientId: string;
  /** The endpoint that it is about. */
  readonly callbackApiId: string;
  /** `warned`, `disabled`, `enabled`, `recovered`. */
  readonly change: string;
  readonly at: Date;
  /** In words. */
  readonly text: string;
  /** What is known of it, as the log has it. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** News of the system itself, by its own path. `text` is where chat tools look for what to show. */
export const endpointAlert = Object.freeze({
  type: 'endpoint_alert',
  identify: ({ recipientId, callbackApiId, change, at }: EndpointAlertInput) => ({
    serviceId: recipientId,
    subjectId: callbackApiId,
    news: `${change} ${at.toISOString()}`,
  }),
  example: (): EndpointAlertInput => ({
    recipientId: randomUUID(),
    callbackApiId: randomUUID(),
    change: 'recovered',
    at: new Date(),
    text: 'This is a test callback',
    facts: {},
  }),
  payload: ({ change, at, text, facts }: EndpointAlertInput) => ({
    change,
    at: formatUtcTimestamp(at),
    text,
    ...facts,
  }),
} satisfies CallbackTypeDefinition<EndpointAlertInput>);
