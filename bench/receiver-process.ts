/**
 * The receivers, in a process of their own: `/ok` answers at once, `/hang` never, `/slow/<ms>` so much
 * later. Remembers, for what arrives at `/ok`, how long after its intended moment it came.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { ReceiverCommand, ReceiverReport } from './receiver.js';

let delays: number[] = [];
let hung = 0;
let held = 0;
let peakHeld = 0;
/** A wave that a command waits for. */
let awaited: { count: number; seen: number } | undefined;

/** The intended moment travels in the body as `reference`, ms since the epoch with fractions. */
function intendedMoment(body: string): number | undefined {
  const match = /"reference":"(\d+(?:\.\d+)?)"/.exec(body);
  return match ? Number(match[1]) : undefined;
}

function arrived(body: string): void {
  const intended = intendedMoment(body);
  if (intended !== undefined) delays.push(performance.timeOrigin + performance.now() - intended);
  if (awaited && (awaited.seen += 1) === awaited.count) {
    awaited = undefined;
    process.send?.({ kind: 'wave' } satisfies ReceiverReport);
  }
}

function answer(request: IncomingMessage, response: ServerResponse, body: string): void {
  const [, kind, argument] = request.url?.split('/') ?? [];
  if (kind === 'ok') arrived(body);
  if (kind === 'hang') {
    hung += 1;
    return;
  }
  const delay = kind === 'slow' ? Number(argument) : 0;
  if (delay === 0) response.end();
  else setTimeout(() => response.end(), delay);
}

const server = createServer((request, response) => {
  held += 1;
  peakHeld = Math.max(peakHeld, held);
  response.once('close', () => (held -= 1));
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => (body += chunk));
  request.on('end', () => answer(request, response, body));
});
server.keepAliveTimeout = 60_000;

process.on('message', (command: ReceiverCommand) => {
  if (command.kind === 'await') awaited = { count: command.count, seen: 0 };
  if (command.kind === 'reset') {
    delays = [];
    hung = 0;
    peakHeld = held;
  }
  if (command.kind === 'report') {
    process.send?.({ kind: 'delays', delays, hung, held, peakHeld } satisfies ReceiverReport);
  }
});
process.once('disconnect', () => process.exit(0));

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as { port: number };
  process.send?.({ kind: 'listening', port } satisfies ReceiverReport);
});
