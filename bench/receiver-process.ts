/**
 * The receivers, in a process of their own. `/ok` and `/mass` respond at once, `/hang` never, `/slow/<ms>` after this
 * time, `/flaky` with 503 to each callback's first attempt, `/dead` always with 503. `/mass` responds with 503 while it
 * is broken. The code reads only as much HTTP as this bench sends: CPU time that the receivers use is missing to the
 * measured processes.
 */
import { createServer, type Socket } from 'node:net';
import type { CountedKind, ReceiverCommand, ReceiverReport } from './receiver.js';

const ACCEPTED = 'HTTP/1.1 204 No Content\r\n\r\n';
const REFUSED = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n';
const HEAD_END = '\r\n\r\n';

/** Counts since the last reset. */
class Seen {
  /** At `/ok` the time since the intended moment, at `/flaky` the time since the first attempt, ms. */
  readonly delays: number[] = [];
  readonly arrivals: Record<CountedKind, number> = { ok: 0, mass: 0, flaky: 0 };
  /** The arrivals at `/mass`, ms since the epoch. */
  readonly times: number[] = [];
  lastAt = 0;
  peakOpen = 0;
  repeats = 0;
  private readonly ids = new Set<string>();

  note(kind: CountedKind, id: string, after?: number): void {
    this.lastAt = now();
    this.arrivals[kind] += 1;
    if (after !== undefined) this.delays.push(this.lastAt - after);
    if (kind !== 'mass') return;
    this.times.push(this.lastAt);
    if (this.ids.has(id)) this.repeats += 1;
    this.ids.add(id);
  }
}

let seen = new Seen();
let isBroken = false;
/** Requests without a response. */
let open = 0;
/** When each callback's first attempt at `/flaky` was refused. */
const failed = new Map<string, number>();
let awaited: Extract<ReceiverCommand, { kind: 'await' }> | undefined;

function now(): number {
  return performance.timeOrigin + performance.now();
}

/** The body has the intended moment as its `reference`, ms since the epoch with fractions. */
function intendedMoment(body: string): number | undefined {
  const match = /"reference":"(\d+(?:\.\d+)?)"/.exec(body);
  return match ? Number(match[1]) : undefined;
}

function reportIfAllAreThere(): void {
  if (awaited === undefined || seen.arrivals[awaited.of] < awaited.count) return;
  awaited = undefined;
  send({ kind: 'wave' });
}

function send(report: ReceiverReport): void {
  process.send?.(report);
}

/** The response to a callback; counts what is accepted. */
function responseTo(kind: string | undefined, id: string, body: string): string {
  if (kind === 'dead' || (kind === 'mass' && isBroken)) return REFUSED;
  if (kind === 'ok') seen.note('ok', id, intendedMoment(body));
  if (kind === 'mass') seen.note('mass', id);
  if (kind === 'flaky') {
    const failedAt = failed.get(id);
    if (failedAt === undefined) {
      failed.set(id, now());
      return REFUSED;
    }
    failed.delete(id);
    seen.note('flaky', id, failedAt);
  }
  reportIfAllAreThere();
  return ACCEPTED;
}

/** One connection, with one request after the other. */
class Connection {
  private received = '';
  private isOpen = false;

  constructor(private readonly socket: Socket) {
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('close', () => this.opened(false));
    socket.on('data', (chunk: string) => this.read(chunk));
  }

  private read(chunk: string): void {
    this.received += chunk;
    const headEnd = this.received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    this.opened(true);
    const head = this.received.slice(0, headEnd);
    const bodyAt = headEnd + HEAD_END.length;
    const end = bodyAt + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (this.received.length < end) return;
    const body = this.received.slice(bodyAt, end);
    this.received = this.received.slice(end);
    this.respond(head, body);
  }

  private respond(head: string, body: string): void {
    const [, kind, argument] = head.slice(0, head.indexOf(' HTTP/')).split('/');
    if (kind === 'hang') return;
    const response = responseTo(kind, /webhook-id: (\S+)/i.exec(head)?.[1] ?? '', body);
    const end = (): void => {
      this.opened(false);
      this.socket.write(response);
    };
    if (kind === 'slow') setTimeout(end, Number(argument));
    else end();
  }

  private opened(isOpen: boolean): void {
    if (isOpen === this.isOpen) return;
    this.isOpen = isOpen;
    open += isOpen ? 1 : -1;
    seen.peakOpen = Math.max(seen.peakOpen, open);
  }
}

const server = createServer({ noDelay: true }, (socket) => new Connection(socket));

process.on('message', (command: ReceiverCommand) => {
  switch (command.kind) {
    case 'await':
      awaited = command;
      return reportIfAllAreThere();
    case 'break':
      isBroken = command.broken;
      return undefined;
    case 'reset':
      seen = new Seen();
      seen.peakOpen = open;
      awaited = undefined;
      return undefined;
    case 'report': {
      const { delays, arrivals, lastAt, peakOpen, repeats, times } = seen;
      const since = now() - command.lastMs;
      const recent = times.filter((at) => at >= since).length;
      return send({ kind: 'seen', delays, arrivals, lastAt, open, peakOpen, repeats, recent });
    }
  }
});
process.once('disconnect', () => process.exit(0));

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as { port: number };
  send({ kind: 'listening', port });
});
