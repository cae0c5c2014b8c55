import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** One request, complete, and everything a behaviour may do about it. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
}

/** What a server does with a request it has read. */
export type Behaviour = (exchange: Exchange) => void;

export interface ResponseParts {
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
}

/** A proper response. */
export function status(code: number, { headers = {}, body = '' }: ResponseParts = {}): Behaviour {
  return ({ response }) => {
    response.writeHead(code, headers).end(body);
  };
}

export function redirect(code: number, location: string): Behaviour {
  return status(code, { headers: { location } });
}

/** Waits this many ms, then does what the given behaviour does; a number is a status code. */
export function delay(ms: number, then: number | Behaviour = 200): Behaviour {
  const behaviour = typeof then === 'number' ? status(then) : then;
  return (exchange) => {
    const timer = setTimeout(() => behaviour(exchange), ms);
    exchange.response.once('close', () => clearTimeout(timer));
  };
}

/** Never responds. */
export function hang(): Behaviour {
  return () => {};
}

/** `103 Early Hints`, this many times, before the response. */
export function earlyHints(times = 1, code = 200): Behaviour {
  return interim('HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n', times, code);
}

/** `100 Continue` without a request for it, this many times, before the response. */
export function continueFirst(times = 1, code = 200): Behaviour {
  return interim('HTTP/1.1 100 Continue\r\n\r\n', times, code);
}

function interim(raw: string, times: number, code: number): Behaviour {
  return (exchange) => {
    exchange.socket.write(raw.repeat(times));
    status(code)(exchange);
  };
}
