import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { anError, refusal } from '../support/refusals.js';
import { startTestService, type TestService } from '../support/service.js';

describe('API_TOKENS', () => {
  const [first, second] = ['the-first-api-token-of-all', 'the-second-api-token-of-all'];
  let database: TestDatabase;
  let service: TestService;

  beforeAll(async () => {
    database = await createTestDatabase();
    service = await startTestService(database.url, { API_TOKENS: `${first},${second}` });
  });

  afterAll(async () => {
    await service.stop();
    await database.drop();
  });

  const list = (authorization?: string) =>
    service.call(
      'GET',
      `/service/${randomUUID()}/callback-api`,
      undefined,
      authorization ? { authorization } : {},
    );

  it.each([
    undefined,
    'Bearer another-api-token-of-all',
    `Bearer ${first.slice(0, -1)}`,
    `Bearer ${first},${second}`,
    `Basic ${first}`,
    first,
    'Bearer ',
  ])('responds with 401 to Authorization: %s', async (authorization) => {
    expect(await refusal(list(authorization))).toEqual(anError(401, /[Bb]earer/));
  });

  it.each([`Bearer ${first}`, `Bearer ${second}`, `bearer ${first}`])(
    'lets in Authorization: %s',
    async (header) => {
      expect(await list(header)).toMatchObject({ status: 200 });
    },
  );

  it('are checked before anything else', async () => {
    expect(await refusal(service.call('POST', `/service/${randomUUID()}/callback-api`, '{}'))).toEqual(
      anError(401, /Bearer/),
    );
    expect(await refusal(service.call('POST', `/notifications/${randomUUID()}/receipts`, '{}'))).toEqual(
      anError(401, /Bearer/),
    );
    expect(await refusal(service.call('POST', `/service/${randomUUID()}/notifications`, '{}'))).toEqual(
      anError(401, /Bearer/),
    );
  });

  it.each(['/health/live', '/health/ready', '/metrics'])('are not needed for %s', async (path) => {
    expect(await service.call('GET', path)).toMatchObject({ status: 200 });
  });
});
