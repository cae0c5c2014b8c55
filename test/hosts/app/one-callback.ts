import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { INestApplication } from '@nestjs/common';
import { ParcelsService } from './parcels.service.js';

/** What came of one run of the application. */
export interface Outcome {
  /** Of a callback API that is registered with nothing. */
  readonly refusal: { readonly status: number; readonly body: string };
  readonly parcel: { readonly id: string; readonly status: string };
  readonly callback: { readonly isOfParcel: boolean; readonly authorization: string | undefined };
}

/** Has one callback sent to a server on loopback. */
export async function oneCallback(app: INestApplication): Promise<Outcome> {
  const customerId = randomUUID();
  const customer = await startCustomer();
  try {
    const parcels = app.get(ParcelsService);
    await parcels.subscribe(customerId, customer.url);
    const parcel = await parcels.deliver(customerId);
    const { authorization, body } = await customer.callback;
    return {
      refusal: await refusal(await app.getUrl(), customerId),
      parcel,
      callback: { isOfParcel: body.includes(parcel.id), authorization },
    };
  } finally {
    customer.close();
  }
}

interface Callback {
  readonly authorization: string | undefined;
  readonly body: string;
}

async function startCustomer() {
  const server = createServer();
  const callback = new Promise<Callback>((resolve, reject) => {
    server.on('request', (request, response) => {
      text(request).then((body) => {
        response.end();
        resolve({ authorization: request.headers.authorization, body });
      }, reject);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/parcels`, callback, close: () => server.close() };
}

async function refusal(url: string, customerId: string): Promise<Outcome['refusal']> {
  const response = await fetch(`${url}/service/${customerId}/callback-api`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  return { status: response.status, body: await response.text() };
}
