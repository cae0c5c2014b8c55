/**
 * A service's own server, in a process of its own: what the callbacks are sent to. Prints each request as it
 * arrived, tells its parent, and answers as the scenario of that path says; any other path answers 200.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { maskedAuthorization } from './masked.js';
import type { Arrival, ReceiverMessage } from './receiver-process.js';
import { scenarios, type Answer } from './scenarios.js';
import { report } from './terminal.js';

/** The bodies that were shown, by callback: of a later attempt only the first line is. */
const shown = new Map<string, string>();
const requestsOf = new Map<string, number>();

function send(message: ReceiverMessage): void {
  process.send?.(message);
}

/** The next of the path's answers; the last one stays. */
function nextAnswer(path: string): Answer {
  const answers = scenarios.find((scenario) => scenario.path === path)?.answers ?? [200];
  const count = requestsOf.get(path) ?? 0;
  requestsOf.set(path, count + 1);
  return answers[Math.min(count, answers.length - 1)] ?? 200;
}

function print({ method, path, headers, body, answer }: Arrival): void {
  const ending = answer === 'hang' ? 'does not answer' : `answers ${answer}`;
  const id = headers['webhook-id'] ?? '';
  if (shown.get(id) === body) {
    report('receiver', `${method} ${path}: ${ending}`, 'the same webhook-id and body as before');
    return;
  }
  shown.set(id, body);
  const headerLines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  report('receiver', `${method} ${path}: ${ending}`, ...headerLines, '', pretty(body));
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
  const arrival: Arrival = { method, path, headers, body: await text(request), answer: nextAnswer(path) };
  const { authorization } = headers;
  print({
    ...arrival,
    headers: { ...headers, ...(authorization && { authorization: maskedAuthorization(authorization) }) },
  });
  send({ kind: 'arrival', arrival });
  if (arrival.answer !== 'hang') response.writeHead(arrival.answer).end();
}

// However the demo ends, this process ends with it.
process.once('disconnect', () => process.exit());

const server = createServer((request, response) => {
  // The client may go away in the middle of its request: then there is nothing to show.
  receive(request, response).catch(() => response.destroy());
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  send({ kind: 'listening', url: `http://127.0.0.1:${port}` });
});
