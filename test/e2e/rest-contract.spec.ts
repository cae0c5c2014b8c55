import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { aCallbackApi } from '../support/builders/a-callback-api.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { anError, refusal } from '../support/refusals.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { registerCallbackApi } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const TOKEN = 'a-bearer-token-of-the-service';

describe('the REST contract', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    service = await startTestService(database.url);
  });

  afterAll(async () => {
    await service.stop();
    await receiver.close();
    await database.drop();
  });

  const apisOf = (serviceId: string) => `/service/${serviceId}/callback-api`;
  const create = (serviceId: string, body: unknown, headers?: Record<string, string>) =>
    service.call('POST', apisOf(serviceId), body, headers);
  const aBody = () => aCallbackApi({ url: receiver.url('/callbacks'), bearer_token: TOKEN });

  describe('POST /service/:service_id/callback-api', () => {
    it('responds with 201 and the callback API, without the token', async () => {
      const serviceId = randomUUID();
      const body = aBody();
      const response = await create(serviceId, body);
      expect(response.status).toBe(201);
      expect(response.body).toMatchObject({
        data: {
          id: expect.stringMatching(UUID),
          service_id: serviceId,
          callback_type: 'delivery_status',
          url: body.url,
          updated_by_id: body.updated_by_id,
          created_at: expect.stringMatching(ISO),
          updated_at: null,
        },
      });
      expect(JSON.stringify(response.body)).not.toContain(TOKEN);
    });

    it('accepts one of each type, and responds with 409 to a second', async () => {
      const serviceId = randomUUID();
      for (const type of ['delivery_status', 'complaint', 'inbound_sms', 'returned_letter']) {
        expect(await create(serviceId, { ...aBody(), callback_type: type })).toMatchObject({ status: 201 });
      }
      expect(await refusal(create(serviceId, aBody()))).toEqual(
        anError(409, /already has a callback API of type delivery_status/),
      );
    });

    const bad: readonly [string, Readonly<Record<string, unknown>>, RegExp][] = [
      ['no url', { url: undefined }, /^url is required$/],
      ['a url that is no text', { url: 7 }, /^url is not a string$/],
      ['a url that is none', { url: 'not a url' }, /^url is not a valid http or https url$/],
      ['a scheme that is not http', { url: 'ftp://example.com/' }, /^url is not a valid http or https url$/],
      [
        'a label of 64 characters',
        { url: `https://${'a'.repeat(64)}.example/` },
        /^url .*63 between two dots$/,
      ],
      ['a private address', { url: 'https://10.0.0.1/' }, /^url .*may not be called/],
      [
        'an unknown type',
        { callback_type: 'birthday' },
        /^callback_type "birthday" is not one of delivery_status/,
      ],
      ['a type that is no text', { callback_type: 7 }, /^callback_type/],
      ['a short token', { bearer_token: 'too-short' }, /^bearer_token is shorter than 10 characters$/],
      [
        'a token that no header can carry',
        { bearer_token: 'line\nbreak in a token' },
        /^bearer_token has characters/,
      ],
      ['no updated_by_id', { updated_by_id: undefined }, /^updated_by_id is required$/],
      ['an unknown field', { colour: 'red' }, /^colour is not accepted here/],
    ];

    it.each(bad)('names what is wrong with %s', async (_, change, message) => {
      expect(await refusal(create(randomUUID(), { ...aBody(), ...change }))).toEqual(anError(400, message));
    });

    it('accepts a token of ten characters', async () => {
      expect(await create(randomUUID(), { ...aBody(), bearer_token: '0123456789' })).toMatchObject({
        status: 201,
      });
    });

    it('names each bad field at once', async () => {
      const body = { callback_type: 7, url: 8, bearer_token: 'short', updated_by_id: 'm,e', colour: 'red' };
      const response = await create(randomUUID(), body);
      expect(response.status).toBe(400);
      const { errors } = response.body as { errors: { message: string }[] };
      const named = errors.map(({ message }) => message.split(' ')[0] ?? '');
      expect(new Set(named)).toEqual(new Set(Object.keys(body)));
    });

    it('names each missing field at once', async () => {
      expect(await refusal(create(randomUUID(), {}))).toEqual(
        anError(
          400,
          /^callback_type is required$/,
          /^url is required$/,
          /^bearer_token is required$/,
          /^updated_by_id is required$/,
        ),
      );
    });

    it('names a bad url and an unknown type together with all other bad fields', async () => {
      const fields = { callback_type: 'birthday', url: 'ftp://example.com/' };
      const messages = [/^callback_type "birthday"/, /^url is not a valid http or https url/];
      expect(await refusal(create(randomUUID(), { ...aBody(), ...fields }))).toEqual(
        anError(400, ...messages),
      );
      expect(
        await refusal(
          create(randomUUID(), { ...fields, bearer_token: 'short', updated_by_id: 'm,e', colour: 'red' }),
        ),
      ).toEqual(
        anError(
          400,
          /^bearer_token is shorter/,
          /^updated_by_id has a control character, a comma or a colon in it/,
          /^colour is not accepted here/,
          ...messages,
        ),
      );
    });
  });

  describe('a body', () => {
    it.each([
      ['is not JSON', '{"url": ', undefined],
      ['is not an object', '[]', undefined],
      ['is missing', undefined, undefined],
      ['is not announced as JSON', JSON.stringify(aCallbackApi()), { 'content-type': 'text/plain' }],
    ])('that %s is a 400 in words', async (_, body, headers) => {
      expect(await refusal(create(randomUUID(), body, headers))).toEqual(anError(400, /./));
    });

    it('that is too large is a 413', async () => {
      expect(await refusal(create(randomUUID(), { ...aBody(), colour: 'red'.repeat(50_000) }))).toEqual(
        anError(413, /large/),
      );
    });
  });

  describe('GET', () => {
    it('lists a service’s own, and shows each', async () => {
      const { id, serviceId } = await registerCallbackApi(service, { url: receiver.url('/mine') });
      await registerCallbackApi(service, { url: receiver.url('/theirs') });
      const one = await service.call<{ data: unknown }>('GET', `${apisOf(serviceId)}/${id}`);
      expect(one).toMatchObject({ status: 200, body: { data: { id, url: receiver.url('/mine') } } });
      const list = await service.call('GET', apisOf(serviceId));
      expect(list).toMatchObject({ status: 200, body: { data: [one.body.data] } });
      expect(JSON.stringify([one.body, list.body])).not.toContain(TOKEN);
    });

    it('lists nothing for a service that has none', async () => {
      expect(await service.call('GET', apisOf(randomUUID()))).toMatchObject({
        status: 200,
        body: { data: [] },
      });
    });
  });

  describe('POST /service/:service_id/callback-api/:id', () => {
    it('changes only the given fields', async () => {
      const { id, serviceId } = await registerCallbackApi(service, { url: receiver.url('/before') });
      const by = randomUUID();
      const response = await service.call('POST', `${apisOf(serviceId)}/${id}`, {
        url: receiver.url('/after'),
        updated_by_id: by,
      });
      expect(response).toMatchObject({
        status: 200,
        body: {
          data: {
            id,
            url: receiver.url('/after'),
            updated_by_id: by,
            updated_at: expect.stringMatching(ISO),
          },
        },
      });
    });

    it('checks callback_type and does not change it', async () => {
      const { id, serviceId } = await registerCallbackApi(service, { url: receiver.url('/typed') });
      const update = (type: string) =>
        service.call('POST', `${apisOf(serviceId)}/${id}`, {
          callback_type: type,
          updated_by_id: randomUUID(),
        });
      expect(await update('delivery_status')).toMatchObject({
        status: 200,
        body: { data: { callback_type: 'delivery_status' } },
      });
      expect(await refusal(update('complaint'))).toEqual(
        anError(400, /^callback_type is delivery_status and cannot be changed/),
      );
    });

    it.each([
      ['complaint', /^callback_type is delivery_status and cannot be changed to "complaint"/],
      ['birthday', /^callback_type is delivery_status and cannot be changed to "birthday"/],
    ])('names each bad field, also with the type %s', async (callbackType, message) => {
      const { id, serviceId } = await registerCallbackApi(service, { url: receiver.url('/bad') });
      expect(
        await refusal(
          service.call('POST', `${apisOf(serviceId)}/${id}`, {
            bearer_token: 'short',
            updated_by_id: 'm,e',
            callback_type: callbackType,
            url: 'https://10.0.0.1/',
          }),
        ),
      ).toEqual(
        anError(
          400,
          /^updated_by_id has a control character, a comma or a colon in it$/,
          /^bearer_token is shorter/,
          message,
          /^url points to an address that may not be called/,
        ),
      );
    });
  });

  describe('DELETE /service/:service_id/callback-api/:id', () => {
    it('responds with 204, then 404', async () => {
      const { id, serviceId } = await registerCallbackApi(service, { url: receiver.url('/gone') });
      const path = `${apisOf(serviceId)}/${id}`;
      expect(await service.call('DELETE', path)).toMatchObject({ status: 204, body: '' });
      expect(await refusal(service.call('DELETE', path))).toEqual(anError(404, new RegExp(id)));
      expect(await refusal(service.call('GET', path))).toEqual(anError(404, new RegExp(id)));
      expect(await refusal(service.call('POST', path, { updated_by_id: randomUUID() }))).toEqual(
        anError(404, new RegExp(id)),
      );
    });
  });

  it.each([
    ['GET', '/service/not,an,id/callback-api'],
    ['GET', `/service/${randomUUID()}/callback-api/${randomUUID()}`],
    ['GET', `/service/${randomUUID()}/callback-api/not-a-uuid`],
    ['DELETE', `/service/${randomUUID()}/callback-api/%00`],
    ['GET', '/there/is/no/such/route'],
    ['POST', '/'],
  ])('%s %s is a 404', async (method, path) => {
    expect(await refusal(service.call(method, path))).toEqual(anError(404, /./));
  });

  it.each([
    ['PUT', `/service/${randomUUID()}/callback-api`, 'GET, HEAD, POST'],
    ['PATCH', `/service/${randomUUID()}/callback-api/${randomUUID()}`, 'DELETE, GET, HEAD, POST'],
    ['DELETE', `/service/${randomUUID()}/notifications`, 'POST'],
    ['GET', `/notifications/${randomUUID()}/receipts`, 'POST'],
    ['POST', '/health/ready', 'GET, HEAD'],
    ['PUT', '/Metrics/', 'GET, HEAD'],
  ])('%s %s is a 405 that allows %s', async (method, path, allowed) => {
    const response = await service.call(method, path, method === 'GET' ? undefined : {});
    expect({ status: response.status, body: response.body }).toEqual(
      anError(405, new RegExp(`^${method} is not allowed here; allowed are ${allowed}$`)),
    );
    expect(response.headers.get('allow')).toBe(allowed);
  });

  it('another service’s callback API is a 404', async () => {
    const { id } = await registerCallbackApi(service, { url: receiver.url('/theirs') });
    const path = `${apisOf(randomUUID())}/${id}`;
    expect(await refusal(service.call('GET', path))).toEqual(anError(404, /./));
    expect(await refusal(service.call('POST', path, { updated_by_id: randomUUID() }))).toEqual(
      anError(404, /./),
    );
    expect(await refusal(service.call('DELETE', path))).toEqual(anError(404, /./));
  });

  it('logs no error of this platform', () => {
    expect(service.logs.errors()).toEqual([]);
  });
});
