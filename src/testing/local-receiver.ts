import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { matches } from './matches.js';
import { ResponseScript, type TestResponse } from './test-response.js';

/** One request, and the status code of its response. */
export interface ReceivedRequest {
  /** `webhook-id`; empty if the request has none. */
  readonly id: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The unparsed body, which the signature covers. */
  readonly body: string;
  readonly statusCode: number;
}

/** A callback that got a 2xx. */
export interface ArrivedCallback {
  readonly id: string;
  readonly payload: unknown;
  /** Oldest first; the last request got the 2xx. */
  readonly attempts: readonly ReceivedRequest[];
}

export interface WaitOptions {
  /** Default 10,000. */
  readonly timeoutMs?: number;
}

/** A server on loopback that receives callbacks, for tests with the real module. */
export interface LocalReceiver {
  /** `http://127.0.0.1:port`; every path receives. */
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  /**
   * Sets the responses: each request gets the next one, and the last one stays. An empty list: 200.
   * @throws RangeError naming each invalid status code
   */
  respondWith(...responses: readonly TestResponse[]): void;
  /**
   * Resolves once a callback has got a 2xx; at once if one already has.
   * @param payload a part of the payload; it may have other fields
   * @throws Error after `timeoutMs`, naming the requests that arrived
   */
  waitForCallback(payload?: object, options?: WaitOptions): Promise<ArrivedCallback>;
  /** Ends open connections. */
  close(): Promise<void>;
}

/** The module under test must allow it: `addresses: { allowHttp: true, allowedNetworks: ['127.0.0.0/8'] }`. */
export async function startLocalReceiver(): Promise<LocalReceiver> {
  const requests: ReceivedRequest[] = [];
  const responses = new ResponseScript<TestResponse>(200);
  const events = new EventEmitter().setMaxListeners(0);
  const server = createServer((request, response) => {
    receive(request, response, responses).then(
      (received) => {
        requests.push(received);
        events.emit('request');
      },
      // The client closed the connection before its request was complete.
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    respondWith: (...given) => responses.set(given),
    waitForCallback: (payload, options) => waitForCallback(requests, events, payload, options),
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function receive(
  request: IncomingMessage,
  response: ServerResponse,
  responses: ResponseScript,
): Promise<ReceivedRequest> {
  const body = await text(request);
  const next = responses.next();
  const {
    statusCode,
    headers = {},
    body: responseBody = '',
  } = typeof next === 'number' ? { statusCode: next } : next;
  response.writeHead(statusCode, headers).end(responseBody);
  const id = request.headers['webhook-id'];
  return {
    id: typeof id === 'string' ? id : '',
    path: request.url ?? '/',
    headers: request.headers,
    body,
    statusCode,
  };
}

async function waitForCallback(
  requests: readonly ReceivedRequest[],
  events: EventEmitter,
  payload: object | undefined,
  { timeoutMs = 10_000 }: WaitOptions = {},
): Promise<ArrivedCallback> {
  const signal = AbortSignal.timeout(timeoutMs);
  for (;;) {
    const arrived = arrivedOf(requests, payload);
    if (arrived) return arrived;
    await once(events, 'request', { signal }).catch((cause: unknown) => {
      const wanted = payload === undefined ? 'No callback' : `No callback with ${inspect(payload)}`;
      const came = requests.map(({ path, statusCode, body }) => `\n  ${path} ${statusCode} ${body}`).join('');
      throw new Error(`${wanted} arrived within ${timeoutMs} ms; requests: ${came || 'none'}`, { cause });
    });
  }
}

function arrivedOf(requests: readonly ReceivedRequest[], payload?: object): ArrivedCallback | undefined {
  const last = requests.find(
    ({ statusCode, body }) => statusCode < 300 && (payload === undefined || matches(parsed(body), payload)),
  );
  if (!last) return undefined;
  const attempts = requests.filter(({ id }) => id === last.id);
  return { id: last.id, payload: parsed(last.body), attempts };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
