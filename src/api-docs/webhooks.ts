import type { OpenAPIObject } from '@nestjs/swagger';
import { EXAMPLE_IDS, EXAMPLE_URL } from '../http/examples.js';
import { BUILT_IN_CALLBACK_TYPES } from '../service-callbacks/callback-types/built-in-callback-types.js';
import type {
  BuiltInCallbackInputs,
  CallbackTypeRegistry,
} from '../service-callbacks/callback-types/callback-type-registry.js';
import { payloadText } from '../service-callbacks/callback-types/payload-text.js';
import { factsOf, wordsFor } from '../service-callbacks/endpoint-health/change-words.js';
import type { EndpointDisabled } from '../service-callbacks/events/endpoint-change.js';
import { callbackHeaders } from '../service-callbacks/transport/callback-headers.js';
import type { SchemaConverter } from './json-schema.js';

type PathItem = OpenAPIObject['paths'][string];

const SAMPLE_SECRET = `whsec_${Buffer.from('sample-secret-for-documentation!').toString('base64')}`;
const SAMPLE_TIME = Date.parse('2026-11-28T14:02:37Z');

const HEADERS: Readonly<Record<string, string>> = {
  'webhook-id': 'Of the callback, the same on each attempt: process each once',
  'webhook-timestamp': 'When this attempt was made, Unix seconds',
  'webhook-signature':
    'HMAC-SHA256 of `id.timestamp.body`, as in Standard Webhooks; one for each valid secret',
};

const RESPONSES = {
  '2XX': 'Delivered. Respond at once, and do the work afterwards',
  '3XX': 'Not followed, not retried',
  '410': 'Not retried; the callback API is disabled',
  '429': 'Retried, after `Retry-After` if there is one',
  '4XX': 'Not retried',
  '5XX': 'Retried; a 503 after `Retry-After` if there is one',
};

const disabled: EndpointDisabled = {
  change: 'disabled',
  serviceId: EXAMPLE_IDS.service,
  callbackApiId: EXAMPLE_IDS.callbackApi,
  callbackType: 'delivery_status',
  url: EXAMPLE_URL,
  at: new Date(SAMPLE_TIME),
  reason: 'failing',
  failure: { failingSince: new Date('2026-11-23T14:02:37Z'), attempts: 4_211, lastFailure: '503' },
};

const SAMPLES: BuiltInCallbackInputs = {
  delivery_status: {
    id: EXAMPLE_IDS.notification,
    serviceId: EXAMPLE_IDS.service,
    reference: 'claim-4711',
    to: 'applicant@example.com',
    status: 'delivered',
    createdAt: new Date('2026-11-28T14:02:29.518Z'),
    updatedAt: new Date('2026-11-28T14:02:36.795Z'),
    sentAt: new Date('2026-11-28T14:02:30Z'),
    notificationType: 'email',
    templateId: EXAMPLE_IDS.template,
    templateVersion: 3,
  },
  complaint: {
    notificationId: EXAMPLE_IDS.notification,
    complaintId: '3f2b8c1a-95d7-4f0e-8a6b-7c1d2e3f4a5b',
    serviceId: EXAMPLE_IDS.service,
    reference: 'claim-4711',
    to: 'applicant@example.com',
    complaintDate: new Date('2026-11-28T14:01:05.120Z'),
  },
  inbound_sms: {
    id: 'a1b2c3d4-5e6f-4a7b-8c9d-0e1f2a3b4c5d',
    serviceId: EXAMPLE_IDS.service,
    sourceNumber: '447700900000', // numbers that Ofcom reserves for fiction
    destinationNumber: '447700900001',
    message: 'YES, Tuesday at 10 works for me',
    dateReceived: new Date('2026-11-28T14:02:36.610Z'),
  },
  returned_letter: {
    notificationId: EXAMPLE_IDS.notification,
    serviceId: EXAMPLE_IDS.service,
    reference: 'claim-4711',
    dateSent: new Date('2026-11-20T09:00:00Z'),
    sentBy: null,
    templateName: 'Decision letter',
    templateId: EXAMPLE_IDS.template,
    templateVersion: 3,
    spreadsheetFileName: 'decisions-november.csv',
    spreadsheetRowNumber: 128,
    uploadLetterFileName: null,
  },
  endpoint_alert: {
    recipientId: EXAMPLE_IDS.service,
    callbackApiId: EXAMPLE_IDS.callbackApi,
    change: disabled.change,
    at: disabled.at,
    text: wordsFor(disabled),
    facts: factsOf(disabled),
  },
};

/** The requests that receivers get: the schema of each type's payload, and a signed sample. */
export function webhooksOf(types: CallbackTypeRegistry, convert: SchemaConverter): Record<string, PathItem> {
  return Object.fromEntries(BUILT_IN_CALLBACK_TYPES.map((type) => [type, webhookOf(type, types, convert)]));
}

function webhookOf(
  type: keyof typeof SAMPLES,
  types: CallbackTypeRegistry,
  convert: SchemaConverter,
): PathItem {
  const definition = types.get(type as string);
  const schema = definition?.schema;
  if (schema === undefined) throw new Error(`Callback type ${type} has no schema`);
  const document = definition?.payload(SAMPLES[type]);
  const body = payloadText(type, document);
  const request = {
    id: EXAMPLE_IDS.callback,
    url: EXAMPLE_URL,
    bearerToken: 'kDh3rPz1vQ8sYw6bT0xN',
    signingSecrets: [SAMPLE_SECRET],
    body,
  };
  const headers = callbackHeaders(request, SAMPLE_TIME);
  return {
    post: {
      operationId: type,
      tags: ['Webhooks'],
      summary: schema.description ?? type,
      description: describe(headers, body),
      parameters: Object.entries(HEADERS).map(([name, description]) => ({
        name,
        in: 'header',
        required: true,
        description,
        schema: { type: 'string' },
        example: headers[name],
      })),
      requestBody: {
        required: true,
        content: {
          'application/json': { schema: convert(schema, { schemaType: 'input' }).schema, example: document },
        },
      },
      responses: Object.fromEntries(
        Object.entries(RESPONSES).map(([status, description]) => [status, { description }]),
      ),
    },
  };
}

function describe(headers: Readonly<Record<string, string>>, body: string): string {
  const { host, pathname } = new URL(EXAMPLE_URL);
  const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}`);
  return [
    'A test callback has `"test": true` as well, and the header `webhook-test`. New fields may be added: ignore those ' +
      'you do not know.',
    `A sample, signed with the secret \`${SAMPLE_SECRET}\`:`,
    ['```http', `POST ${pathname} HTTP/1.1`, ...lines, '', body, '```'].join('\n'),
  ].join('\n\n');
}
