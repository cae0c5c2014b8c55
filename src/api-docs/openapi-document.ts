import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { API_SCOPES } from '../http/api-tokens/api-token.js';
import { errorBody, errorBodyOf } from '../http/error-body.js';
import { SCOPE_EXTENSION } from '../http/openapi-metadata.js';
import { CallbackTypeRegistry } from '../service-callbacks/callback-types/callback-type-registry.js';
import { version } from '../version.js';
import { schemaConverter, type JsonSchema } from './json-schema.js';
import { webhooksOf } from './webhooks.js';

const DESCRIPTION = `Forwards the status of a service's messages to the service's own server: signed, retried, none lost.

Press **Authorize** and enter an API token; every operation but those of *Operations* needs one.
The requests that receivers get are under **Webhooks**, each with a signed sample.`;

const TOKEN = `One of \`API_TOKENS\`, or of \`npm run api-token\`. Scopes: ${API_SCOPES.map((scope) => `\`${scope}\``).join(', ')}. A token that is bound to a service has access only to the paths of that service.`;

const TAGS = {
  'Callback APIs': 'Where a service wants its callbacks: URL, token, signing secret, health',
  Callbacks: 'The state of each callback, and replays',
  'Dead letters': 'The callbacks that were given up',
  Notifications: 'What the callbacks are about',
  Operations: 'Health and metrics, without a token',
} as const;

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Described = Operation & { [SCOPE_EXTENSION]?: string };

/** The module's own descriptions, and what this service adds to them: its tokens, and the errors of every operation. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const types = app.get(CallbackTypeRegistry);
  const convert = schemaConverter(types.types());
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Service Callbacks')
    .setDescription(DESCRIPTION)
    .setVersion(version)
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: TOKEN }, 'token');
  for (const [name, description] of Object.entries(TAGS)) config.addTag(name, description);
  const document = SwaggerModule.createDocument(app, config.build(), {
    standardSchemaConverter: convert,
    operationIdFactory: (controller, method) => `${controller.replace('Controller', '')}_${method}`,
  });
  const error = convert(errorBody, { schemaType: 'output' }).schema;
  for (const path of Object.values(document.paths)) {
    for (const operation of Object.values(path)) complete(operation as Described, error);
  }
  document.webhooks = webhooksOf(types, convert);
  return document;
}

function complete(operation: Described, error: JsonSchema): void {
  const body = operation.requestBody;
  const schema =
    body !== undefined && 'content' in body ? body.content['application/json']?.schema : undefined;
  if (schema !== undefined && 'x-optional' in schema) {
    delete schema['x-optional'];
    Object.assign(body as object, { required: false });
  }
  const scope = operation[SCOPE_EXTENSION];
  if (scope === undefined) return;
  delete operation[SCOPE_EXTENSION];
  operation.security = [{ token: [scope] }];
  operation.description = [operation.description, `Needs the scope \`${scope}\`.`]
    .filter(Boolean)
    .join('\n\n');
  const hasInput = body !== undefined || operation.parameters?.some((it) => 'in' in it && it.in === 'query');
  const common = {
    ...(hasInput === true && { 400: 'Names all that is wrong with the input' }),
    401: 'The bearer token is missing or not valid',
    403: `The token lacks ${scope}`,
    404: 'The token is for another service',
    429: 'The token made more than API_RATE_LIMIT requests in a minute',
    503: 'The database does not respond now; try again',
  };
  for (const [status, description] of Object.entries(common)) {
    // The schema of the error response has an example of a wrong field.
    const example = status === '400' ? {} : { example: errorBodyOf(Number(status), [description]) };
    operation.responses[status] ??= {
      description,
      content: { 'application/json': { schema: error, ...example } },
    };
  }
}
