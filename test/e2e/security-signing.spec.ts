import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { aCallbackApi } from '../support/builders/a-callback-api.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startReceiver, type Receiver, type RecordedRequest } from '../support/receiver.js';
import { causeCallback } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';

interface Api {
  readonly id: string;
  readonly serviceId: string;
  readonly secret: string;
}

interface SecretResponse {
  readonly data: {
    readonly id: string;
    readonly signing_secret: string;
    readonly previous_signing_secret_until: string | null;
  };
}

describe('signatures to the Standard Webhooks specification, checked by its own library', () => {
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

  async function register(path: string): Promise<Api> {
    const serviceId = randomUUID();
    const { status, body } = await service.call<SecretResponse>(
      'POST',
      `/service/${serviceId}/callback-api`,
      aCallbackApi({ url: receiver.url(path) }),
    );
    expect(status).toBe(201);
    return { id: body.data.id, serviceId, secret: body.data.signing_secret };
  }

  async function rotate({ serviceId, id }: Api): Promise<SecretResponse['data']> {
    const path = `/service/${serviceId}/callback-api/${id}/signing-secret/rotate`;
    const { status, body } = await service.call<SecretResponse>('POST', path);
    expect(status).toBe(200);
    return body.data;
  }

  /** Sends a callback and waits until it is delivered. @returns its requests, oldest first. */
  async function requestsOf({ serviceId }: Api, path: string): Promise<readonly RecordedRequest[]> {
    const { id } = await causeCallback(service, serviceId);
    await service.logs.waitFor('callback.delivered', { callback_id: id });
    return receiver.requests.filter(
      (request) => request.path === path && request.headers['webhook-id'] === id,
    );
  }

  const signaturesOf = ({ headers }: RecordedRequest) =>
    String(headers['webhook-signature']).split(' ').length;

  function isVerified({ body, headers }: RecordedRequest, secret: string): boolean {
    try {
      new Webhook(secret).verify(body, headers as Record<string, string>);
      return true;
    } catch {
      return false;
    }
  }

  it('one secret per callback API, shown at its creation and never again', async () => {
    const api = await register('/shown-once');
    expect(api.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const root = `/service/${api.serviceId}/callback-api`;
    const updated = { updated_by_id: randomUUID(), url: receiver.url('/shown-once?2') };
    for (const response of [
      await service.call('GET', root),
      await service.call('GET', `${root}/${api.id}`),
      await service.call('POST', `${root}/${api.id}`, updated),
    ]) {
      expect(response.status).toBe(200);
      expect(JSON.stringify(response.body)).not.toMatch(/whsec_|signing/);
    }
    const [row] = await query(database.url, 'SELECT * FROM service_callback_apis WHERE id = $1', [api.id]);
    expect(row?.['signing_secret']).toMatch(/^test\./);
  });

  it('every attempt is signed anew: its own timestamp, the callback’s id', async () => {
    const api = await register('/every-attempt');
    receiver.respond('/every-attempt', [503, 503, 200]);

    const requests = await requestsOf(api, '/every-attempt');

    expect(requests).toHaveLength(3);
    for (const request of requests) {
      expect(isVerified(request, api.secret)).toBe(true);
      expect(request.headers.authorization).toBe('Bearer a-bearer-token-of-the-service');
      expect(isVerified({ ...request, body: `${request.body} ` }, api.secret)).toBe(false);
      const headers = { ...request.headers, 'webhook-id': randomUUID() };
      expect(isVerified({ ...request, headers }, api.secret)).toBe(false);
    }
  });

  it('after a rotation both secrets sign, and after the overlap the new one alone', async () => {
    const api = await register('/rotated');

    const rotated = await rotate(api);

    expect(rotated.signing_secret).not.toBe(api.secret);
    const until = Date.parse(String(rotated.previous_signing_secret_until));
    expect(Math.abs(until - Date.now() - 86_400_000)).toBeLessThan(60_000);
    const [both] = await requestsOf(api, '/rotated');
    expect(both && signaturesOf(both)).toBe(2);
    expect(both && isVerified(both, api.secret)).toBe(true);
    expect(both && isVerified(both, rotated.signing_secret)).toBe(true);

    await query(
      database.url,
      `UPDATE service_callback_apis SET previous_signing_secret_until = now() - interval '1 s' WHERE id = $1`,
      [api.id],
    );
    const [one] = await requestsOf(api, '/rotated');
    expect(one && signaturesOf(one)).toBe(1);
    expect(one && isVerified(one, api.secret)).toBe(false);
    expect(one && isVerified(one, rotated.signing_secret)).toBe(true);
  });

  it('a rotation reaches the retries of a callback that is on its way', async () => {
    const api = await register('/on-its-way');
    const { promise: rotated, resolve } = Promise.withResolvers<string>();
    receiver.respond('/on-its-way', [
      ({ response }) => {
        void rotate(api).then(({ signing_secret: secret }) => {
          resolve(secret);
          response.writeHead(503).end();
        });
      },
      200,
    ]);

    const [first, second] = await requestsOf(api, '/on-its-way');

    expect(first && isVerified(first, await rotated)).toBe(false);
    expect(second && isVerified(second, await rotated)).toBe(true);
    expect(second && isVerified(second, api.secret)).toBe(true);
  });

  it('an endpoint from before signing is not signed until its secret is rotated', async () => {
    const api = await register('/before-signing');
    await query(database.url, 'UPDATE service_callback_apis SET signing_secret = NULL WHERE id = $1', [
      api.id,
    ]);
    const [unsigned] = await requestsOf(api, '/before-signing');
    expect(unsigned?.headers).not.toHaveProperty('webhook-signature');

    const { signing_secret: secret } = await rotate(api);

    const [signed] = await requestsOf(api, '/before-signing');
    expect(signed && signaturesOf(signed)).toBe(1);
    expect(signed && isVerified(signed, secret)).toBe(true);
  });

  it('another service’s id, an unknown id and a malformed id are not found', async () => {
    const api = await register('/not-found');
    for (const [serviceId, id] of [
      [randomUUID(), api.id],
      [api.serviceId, randomUUID()],
      [api.serviceId, 'x'],
    ]) {
      const path = `/service/${serviceId}/callback-api/${id}/signing-secret/rotate`;
      expect((await service.call('POST', path)).status).toBe(404);
    }
  });
});
