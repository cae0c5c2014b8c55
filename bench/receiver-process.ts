/**
 * The receivers, in a process of their own: `/ok` answers at once, `/hang` never, `/slow/<ms>` so much
 * later, `/dead` with 503, `/flaky` with 503 to each callback's first attempt. Remembers, for what arrives
 * at `/ok`, how long after its intended moment it came, and at `/flaky` how long after the attempt before.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { ReceiverCommand, ReceiverReport } from './receiver.js';

let delays: number[] = [];
let broken = false;
/** When each callback's first attempt at `/flaky` was turned away. */
const failed = new Map<string, number>();
let hung = 0;
let held = 0;
let peakHeld = 0;
/** How many have arrived at `/ok` since the last reset, and how many a command waits for. */
let arrivals = 0;
let awaited: number | undefined;

/** The intended moment travels in the body as `reference`, ms since the epoch with fractions. */
function intendedMoment(body: string): number | undefined {
  const match = /"reference":"(\d+(?:\.\d+)?)"/.exec(body);
  return match ? Number(match[1]) : undefined;
}

function arrived(after: number | undefined): void {
  if (after !== undefined) delays.push(performance.timeOrigin + performance.now() - after);
  arrivals += 1;
  tellIfAllAreThere();
}

function tellIfAllAreThere(): void {
  if (awaited === undefined || arrivals < awaited) return;
  awaited = undefined;
  process.send?.({ kind: 'wave' } satisfies ReceiverReport);
}

/** @returns the status; counts what was accepted. */
function judge(kind: string | undefined, id: string, body: string): number {
  if (kind === 'dead' || (kind === 'ok' && broken)) return 503;
  if (kind === 'ok') arrived(intendedMoment(body));
  if (kind === 'flaky') {
    const failedAt = failed.get(id);
    if (failedAt === undefined) {
      failed.set(id, performance.timeOrigin + performance.now());
      return 503;
    }
    failed.delete(id);
    arrived(failedAt);
  }
  return 200;
}

function answer(request: IncomingMessage, response: ServerResponse, body: string): void {
  const [, kind, argument] = request.url?.split('/') ?? [];
  if (kind === 'hang') {
    hung += 1;
    return;
  }
  response.statusCode = judge(kind, String(request.headers['webhook-id']), body);
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
  if (command.kind === 'await') {
    awaited = command.count;
    tellIfAllAreThere();
  }
  if (command.kind === 'break') broken = command.broken;
  if (command.kind === 'reset') {
    arrivals = 0;
    awaited = undefined;
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
