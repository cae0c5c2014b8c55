import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { Webhook } from 'standardwebhooks';
import { apiJourney, type JourneyStep } from '../support/api-journey.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import {
  restApi,
  startTestService,
  type ApiResponse,
  type RestApi,
  type TestService,
} from '../support/service.js';

const TOKEN = 'the-token-of-the-journey';
const READER = 'the-token-of-a-reader';

interface Schema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly example?: unknown;
  readonly description?: string;
}
interface Content {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly schema: Schema; readonly example?: unknown }>>;
}
interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly description?: string;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly schema: Schema;
    readonly example?: string;
  }[];
  readonly requestBody?: Content & { readonly required?: boolean };
  readonly responses: Readonly<Record<string, Content>>;
}
interface OpenApi {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly webhooks: Readonly<Record<string, { readonly post: Operation }>>;
}
interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

describe('OpenAPI', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;
  let api: RestApi;
  let document: OpenApi;
  let routes: ReadonlyMap<string, Route>;
  let ajv: Ajv2020;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    service = await startTestService(database.url, {
      API_TOKENS: `${TOKEN},${READER}:callbacks:read`,
      CALLBACK_MAX_RETRIES: '0',
    });
    api = withToken(TOKEN);
    ({ body: document } = await service.call<OpenApi>('GET', '/docs-json'));
    routes = new Map(routesOf(document).map((route) => [route.operation.operationId, route]));
    ajv = new Ajv2020({ strict: false, allErrors: true });
    formats.default(ajv);
    ajv.addSchema(document, 'docs');
  });

  afterAll(async () => {
    await service.stop();
    await receiver.close();
    await database.drop();
  });

  function withToken(token: string | undefined): RestApi {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return {
      ...restApi(service.url),
      call: (method, path, body) => service.call(method, path, body, headers),
    };
  }

  function call(client: RestApi, { operation: id, parameters = {}, body }: Omit<JourneyStep, 'status'>) {
    const { method, path } = routeOf(id);
    return client.call(
      method,
      path.replaceAll(/\{(\w+)\}/g, (_, name: string) => parameters[name] ?? ''),
      body,
    );
  }

  function routeOf(id: string): Route {
    const route = routes.get(id);
    if (!route) throw new Error(`There is no operation ${id}`);
    return route;
  }

  /**
   * @returns what is wrong with a response: a status code that is not in the document, or a body that does not match
   * its schema
   */
  function undocumented(id: string, { status, body }: ApiResponse): unknown {
    const { method, path, operation } = routeOf(id);
    const response = operation.responses[status];
    if (response === undefined) return { id, status, body };
    const [type] = Object.keys(response.content ?? {});
    if (type === undefined) return body === '' ? undefined : { id, status, body };
    const place = ['paths', path, method, 'responses', String(status), 'content', type, 'schema'];
    const validate = validatorAt(place);
    return validate(body) ? undefined : { id, status, body, errors: validate.errors };
  }

  function validatorAt(place: readonly string[]): ValidateFunction {
    const pointer = place.map((key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1')));
    const validate = ajv.getSchema(`docs#/${pointer.join('/')}`);
    if (!validate) throw new Error(`There is no schema at ${place.join(' ')}`);
    return validate;
  }

  it('is a valid document, of the version of the package', async () => {
    const { valid, errors } = await new Validator().validate({ ...document });
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    expect(document.info.version).toBe(version);
  });

  it('describes every operation, and which scope of a token it needs', () => {
    expect(routes.size).toBe(routesOf(document).length);
    for (const { path, operation } of routes.values()) {
      expect(operation.summary).toMatch(/^[A-Z].+/);
      // A browser sets headers itself.
      expect(operation.parameters?.filter((parameter) => parameter.in === 'header') ?? []).toEqual([]);
      const scopes = operation.security?.flatMap(({ token = [] }) => token) ?? ['undeclared'];
      const isPublic = /^\/(health|metrics)/.test(path);
      expect(scopes.map((scope) => scope.split(':').length)).toEqual(isPublic ? [] : [2]);
    }
    expect(routeOf('EndpointHealth_enable').operation.description).toMatch(
      /"replay": true.*dead-letters:replay/,
    );
  });

  it('has an example of each field, which the field accepts', () => {
    const leaves = [...routes.values()].flatMap(({ operation }) => [
      ...(operation.parameters ?? []).map(({ name, schema }) => ({ name, schema })),
      ...[operation.requestBody, ...Object.values(operation.responses)].flatMap((content) =>
        Object.values(content?.content ?? {}).flatMap(({ schema }) =>
          leavesOf(schema, operation.operationId),
        ),
      ),
    ]);
    expect(leaves.length).toBeGreaterThan(300);
    const isShown = ({ schema }: Leaf) =>
      schema.example === undefined
        ? schema.enum !== undefined || schema.type === 'boolean' || schema.type === 'null'
        : ajv.validate(schema, schema.example);
    expect([...new Set(leaves.filter((leaf) => !isShown(leaf)).map(({ name }) => name))]).toEqual([
      // The first request has none.
      'cursor',
      // Its default stands for it.
      'limit',
    ]);
  });

  it('names the values of callback_type', () => {
    const body = routeOf('CallbackApis_create').operation.requestBody?.content?.['application/json'];
    expect(body?.schema.properties?.['callback_type']?.enum).toEqual(Object.keys(document.webhooks));
  });

  it('describes exactly the fields of every response and every callback', async () => {
    const called = new Set<string>();
    const seen = new Set<string>();
    for await (const step of apiJourney({ service, api, receiver })) {
      const result = await call(api, step);
      expect({ step, status: result.status }).toEqual({ step, status: step.status });
      expect(undocumented(step.operation, result)).toBeUndefined();
      step.learn?.(result.body as Parameters<NonNullable<JourneyStep['learn']>>[0]);
      called.add(step.operation);
      for (const field of fieldsOf(result.body)) seen.add(`${step.operation} ${field}`);
    }
    expect([...called].toSorted()).toEqual([...routes.keys()].toSorted());
    const optional = [...routes.values()].flatMap(({ operation }) => optionalFieldsOf(operation));
    expect(optional.filter((field) => !seen.has(field))).toEqual([
      // Every attempt had a response.
      'DeadLetters_get data.attempts.error',
      'Callbacks_get data.attempts.error',
    ]);

    const sent = receiver.requests.filter(({ headers }) => headers['webhook-test'] === undefined);
    expect(sent.length).toBeGreaterThan(2);
    const validate = validatorAt(['webhooks', 'delivery_status', 'post', ...BODY]);
    for (const { body } of sent) {
      expect({ valid: validate(JSON.parse(body)), errors: validate.errors }).toEqual({
        valid: true,
        errors: null,
      });
    }
  }, 60_000);

  it('documents the errors of each operation', async () => {
    const parameters = { service_id: randomUUID(), id: randomUUID() };
    const guarded = [...routes].filter(([, { operation }]) => operation.security?.length === 1);
    for (const [id, { operation }] of guarded) {
      const without = await call(withToken(undefined), { operation: id, parameters });
      expect({ id, status: without.status }).toEqual({ id, status: 401 });

      const isRead = operation.description?.includes('`callbacks:read`') === true;
      const lacking = await call(withToken(READER), { operation: id, parameters });
      expect({ id, is403: lacking.status === 403 }).toEqual({ id, is403: !isRead });

      const unknown = await call(api, { operation: id, parameters });
      const input = operation.requestBody && { body: { unknown: true } };
      const bad = await call(api, { operation: id, parameters, ...input });
      for (const result of [without, lacking, unknown, bad]) {
        expect(undocumented(id, result)).toBeUndefined();
      }
    }
  });

  it.each(['delivery_status', 'complaint', 'inbound_sms', 'returned_letter', 'endpoint_alert'])(
    'has a signed sample of %s, which receivers can verify',
    (type) => {
      const { post } = document.webhooks[type] ?? {};
      const sample = post?.requestBody?.content?.['application/json']?.example;
      const validate = validatorAt(['webhooks', type, 'post', ...BODY]);
      expect({ valid: validate(sample), errors: validate.errors }).toEqual({ valid: true, errors: null });

      const secret = /`(whsec_\S+)`/.exec(post?.description ?? '')?.[1] ?? '';
      expect(Buffer.from(secret.slice('whsec_'.length), 'base64').toString()).toMatch(/sample-secret/);
      const text = /```http\n[^]*?\n\n(.*)\n```/.exec(post?.description ?? '')?.[1] ?? '';
      expect(JSON.parse(text)).toEqual(sample);
      const header = (name: string) =>
        post?.parameters?.find((parameter) => parameter.name === name)?.example ?? '';
      const time = new Date(Number(header('webhook-timestamp')) * 1000);
      expect(header('webhook-signature')).toBe(new Webhook(secret).sign(header('webhook-id'), time, text));

      const schema = post?.requestBody?.content?.['application/json']?.schema;
      expect(Object.keys(schema?.properties ?? {})).toEqual(
        expect.arrayContaining(Object.keys(sample as object)),
      );
    },
  );
});

const BODY = ['requestBody', 'content', 'application/json', 'schema'] as const;

interface Leaf {
  readonly name: string;
  readonly schema: Schema;
}

function routesOf({ paths }: OpenApi): Route[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
}

function partsOf(schema: Schema): (readonly [name: string, part: Schema])[] {
  return [
    ...Object.entries(schema.properties ?? {}),
    ...[schema.items ?? [], schema.anyOf ?? []].flat().map((part) => ['', part] as const),
  ];
}

function leavesOf(schema: Schema, name: string): Leaf[] {
  const parts = partsOf(schema);
  const isLeaf = parts.length === 0 && schema.type !== 'object' && !('$ref' in schema);
  return [
    ...(isLeaf ? [{ name, schema }] : []),
    ...parts.flatMap(([key, part]) => leavesOf(part, key || name)),
  ];
}

/** Paths of fields, such as `data.callback.id`; items of a list count once. */
function fieldsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(fieldsOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => [
    key,
    ...fieldsOf(part).map((field) => `${key}.${field}`),
  ]);
}

/** Fields that a success does not always have. */
function optionalFieldsOf({ operationId, responses }: Operation): string[] {
  const within = (schema: Schema): string[] =>
    partsOf(schema).flatMap(([key, part]) => {
      const below = within(part);
      if (key === '') return below;
      const isOptional = schema.required?.includes(key) !== true;
      return [...(isOptional ? [key] : []), ...below.map((field) => `${key}.${field}`)];
    });
  return Object.entries(responses)
    .filter(([status]) => Number(status) < 400)
    .flatMap(([, { content }]) => Object.values(content ?? {}).flatMap(({ schema }) => within(schema)))
    .map((field) => `${operationId} ${field}`);
}
