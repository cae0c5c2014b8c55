import { strict as assert } from 'node:assert';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

/** Starts the application, takes the journey and closes it. */
export async function run(module: Type | DynamicModule): Promise<void> {
  const app = await NestFactory.create(module, { logger: ['error'], abortOnError: false });
  try {
    app.setGlobalPrefix('api');
    await app.listen(0, '127.0.0.1');
    await journey(`${await app.getUrl()}/api`);
  } finally {
    await app.close();
  }
}

/** A callback that is sent in a transaction fails, is retried, is given up, and arrives when it is replayed. */
export async function journey(api: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
  const customerId = randomUUID();
  const customer = await startCustomer([503, 503, 204]);
  const service = `/service/${customerId}`;

  const call = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(api + path, {
      method,
      headers: { ...headers, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: JSON.parse(await response.text()) };
  };
  const hasState = (id: string, state: string) =>
    eventually(async () => {
      const { body } = await call('GET', `${service}/callbacks/${id}`);
      assert.equal(body.data.state, state);
    });

  try {
    // The host's pipe and filter apply to its own routes only.
    const parcel = { customerId, grams: 500 };
    assert.deepEqual(await call('POST', '/parcels', { ...parcel, colour: 'red' }), {
      status: 400,
      body: { problem: ['property colour should not exist'] },
    });
    const refused = await call('POST', `${service}/callback-api`, {});
    assert.equal(refused.status, 400);
    assert.match(JSON.stringify(refused.body.errors), /callback_type.*bearer_token/);

    const registration = {
      callback_type: 'delivery_status',
      url: customer.url,
      bearer_token: 'a-token-of-the-customer',
      updated_by_id: customerId,
    };
    assert.equal((await call('POST', `${service}/callback-api`, registration)).status, 201);

    assert.deepEqual(await call('POST', '/parcels', { ...parcel, grams: 40_000 }), {
      status: 422,
      body: { problem: 'The parcel is too heavy' },
    });
    const { body: delivered } = await call('POST', '/parcels', parcel);
    const { id } = delivered.callback;
    await hasState(id, 'given_up');
    assert.equal((await call('POST', `${service}/callbacks/${id}/replay`)).status, 202);
    await hasState(id, 'delivered');

    assert.equal(customer.requests.length, 3);
    for (const request of customer.requests) {
      assert.equal(request.headers['webhook-id'], id);
      assert.equal(request.headers.authorization, 'Bearer a-token-of-the-customer');
      assert.equal(JSON.parse(request.body).id, delivered.id);
    }
    // What was rolled back is not among them.
    const { body: list } = await call('GET', `${service}/callbacks`);
    assert.deepEqual(
      list.data.map((callback: { id: string }) => callback.id),
      [id],
    );

    await eventually(async () => {
      assert.equal((await call('GET', `/parcels/${delivered.id}`)).body.status, 'archived');
    });
  } finally {
    customer.close();
  }
}

interface Request {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server that responds with these status codes, one after the other. */
async function startCustomer(statuses: readonly number[]) {
  const requests: Request[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { headers } = request;
      response.writeHead(statuses[requests.push({ headers, body }) - 1] ?? 500).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/parcels`, requests, close: () => server.close() };
}

const MAX_WAIT_MS = 20_000;

async function eventually(check: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + MAX_WAIT_MS;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(50);
    }
  }
}
