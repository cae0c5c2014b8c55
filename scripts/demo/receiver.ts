/**
 * A service's own server, in a process of its own: what the callbacks are sent to. Prints each request as it
 * arrived, reports it to its parent, and responds as the scenario of that path says; any other path responds with 200.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { maskedAuthorization } from './masked.js';
import type { Arrival, ReceiverMessage } from './receiver-process.js';
import { scenarios, type PlannedResponse } from './scenarios.js';
import { report } from './terminal.js';

/** Bodies that were printed, by callback: of a later attempt with the same body, only the first line is printed. */
const shown = new Map<string, string>();
const requestsOf = new Map<string, number>();

function send(message: ReceiverMessage): void {
  process.send?.(message);
}

/** The path's next response; the last one stays. */
function nextResponse(path: string): PlannedResponse {
  const responses = scenarios.find((scenario) => scenario.path === path)?.responses ?? [200];
  const count = requestsOf.get(path) ?? 0;
  requestsOf.set(path, count + 1);
  return responses[Math.min(count, responses.length - 1)] ?? 200;
}

function print({ method, path, headers, body, response }: Arrival): void {
  const words = response === 'hang' ? 'does not respond' : `responds with ${response}`;
  const id = headers['webhook-id'] ?? '';
  if (shown.get(id) === body) {
    report('receiver', `${method} ${path}: ${words}`, 'the same webhook-id and body as before');
    return;
  }
  shown.set(id, body);
  const headerLines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  report('receiver', `${method} ${path}: ${words}`, ...headerLines, '', pretty(body));
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

function headersOf(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')]),
  );
}

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = '', url = '/' } = request;
  const path = new URL(url, 'http://receiver').pathname;
  const headers = headersOf(request);
  const arrival: Arrival = { method, path, headers, body: await text(request), response: nextResponse(path) };
  const { authorization } = headers;
  print({
    ...arrival,
    headers: { ...headers, ...(authorization && { authorization: maskedAuthorization(authorization) }) },
  });
  send({ kind: 'arrival', arrival });
  if (arrival.response !== 'hang') response.writeHead(arrival.response).end();
}

// This process ends with the demo, however that ends.
process.once('disconnect', () => process.exit());

const server = createServer((request, response) => {
  // The client may close the connection in the middle of its request: there is nothing to show then.
  receive(request, response).catch(() => response.destroy());
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  send({ kind: 'listening', url: `http://127.0.0.1:${port}` });
});
