import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startTestService, type TestService } from '../support/service.js';

describe('OpenAPI', () => {
  let database: TestDatabase;
  let service: TestService;

  beforeAll(async () => {
    database = await createTestDatabase();
    service = await startTestService(database.url);
  });

  afterAll(async () => {
    await service.stop();
    await database.drop();
  });

  interface OpenApi {
    readonly openapi: string;
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  }
  interface Operation {
    readonly description?: string;
    readonly requestBody?: {
      readonly content?: Readonly<Record<string, { readonly schema?: { readonly properties?: object } }>>;
    };
  }

  const routes = [
    ['post', '/service/{service_id}/callback-api', ['callback_type', 'url', 'bearer_token', 'updated_by_id']],
    ['get', '/service/{service_id}/callback-api', []],
    ['get', '/service/{service_id}/callback-api/{id}', []],
    [
      'post',
      '/service/{service_id}/callback-api/{id}',
      ['updated_by_id', 'url', 'bearer_token', 'callback_type'],
    ],
    ['delete', '/service/{service_id}/callback-api/{id}', []],
    [
      'post',
      '/service/{service_id}/notifications',
      ['notification_type', 'to', 'template_id', 'template_version', 'reference', 'status', 'sent_at'],
    ],
    ['post', '/notifications/{id}/receipts', ['status', 'sent_by']],
    ['get', '/health/live', []],
    ['get', '/health/ready', []],
    ['get', '/metrics', []],
  ] as const;

  it.each(routes)('describes %s %s with its body', async (method, path, fields) => {
    const { status, body } = await service.call<OpenApi>('GET', '/docs-json');
    expect(status).toBe(200);
    const operation = body.paths[path]?.[method];
    expect(operation).toBeDefined();
    const schema = operation?.requestBody?.content?.['application/json']?.schema;
    expect(Object.keys(schema?.properties ?? {}).toSorted()).toEqual([...fields].toSorted());
  });

  it('says that to replay while enabling needs the scope of a replay', async () => {
    const { body } = await service.call<OpenApi>('GET', '/docs-json');
    const operation = body.paths['/service/{service_id}/callback-api/{id}/enable']?.['post'];
    expect(operation?.description).toMatch(/"replay": true.*dead-letters:replay/);
  });

  it('is shown at /docs', async () => {
    expect(await service.call('GET', '/docs')).toMatchObject({
      status: 200,
      body: expect.stringContaining('<html'),
    });
  });
});
