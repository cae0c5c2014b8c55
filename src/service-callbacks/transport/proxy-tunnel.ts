import { connect as connectTcp, isIPv6, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import { NoAnswerError } from './no-answer.error.js';
import type { Proxy } from './proxy.js';
import { ProxyUnavailableError } from './proxy-unavailable.error.js';

/** A longer answer to CONNECT (bytes) is none. */
const MAX_ANSWER_BYTES = 8 * 1024;

const STATUS_LINE = /^HTTP\/1\.\d (\d{3})\b/;
const END_OF_HEADERS = '\r\n\r\n';
const PROXY_AUTHENTICATION_REQUIRED = 407;

export interface TunnelOptions {
  readonly proxy: Proxy;
  /** For a proxy that is spoken to over TLS. */
  readonly secureContext: SecureContext;
  /** Milliseconds until a tunnel that is still being made is torn down. */
  readonly timeoutMs: number;
}

/**
 * Asks the proxy for a connection to this very address (RFC 9110 §9.3.6): it has no name to resolve.
 *
 * @throws ProxyUnavailableError when the proxy cannot be reached, wants other credentials or speaks no HTTP
 * @throws NoAnswerError when it reached nobody there, refused to, or took longer than `timeoutMs`
 */
export async function openTunnel(ip: string, port: number, options: TunnelOptions): Promise<Socket> {
  const { proxy, timeoutMs } = options;
  const socket = connectTo(options);
  const timer = setTimeout(() => socket.destroy(new NoAnswerError('timeout')), timeoutMs);
  try {
    const authority = isIPv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`;
    const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`];
    if (proxy.authorization !== undefined) lines.push(`Proxy-Authorization: ${proxy.authorization}`);
    socket.write(lines.join('\r\n') + END_OF_HEADERS);
    assertTunnelled(await readAnswer(socket));
    return socket;
  } catch (error) {
    // Whatever it still says, nobody listens: a late error must not be an uncaught one.
    socket.on('error', () => undefined).destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function connectTo({ proxy: { host, port, isTls }, secureContext }: TunnelOptions): Socket {
  const socket = isTls
    ? connectTls({ host, port, secureContext, rejectUnauthorized: true, ALPNProtocols: ['http/1.1'] })
    : connectTcp({ host, port });
  return socket.setNoDelay(true);
}

/** The status of a complete answer that nothing follows: the endpoint is not to speak before it is spoken to. */
function readAnswer(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const settle = (outcome: () => void): void => {
      socket.off('readable', onReadable).off('error', onError).off('close', onClose);
      outcome();
    };
    const onReadable = (): void => {
      for (let chunk = readFrom(socket); chunk !== null; chunk = readFrom(socket)) {
        answer += chunk.toString('latin1');
        const end = answer.indexOf(END_OF_HEADERS);
        const isWhole = end === answer.length - END_OF_HEADERS.length;
        if (end !== -1 && isWhole) return settle(() => resolve(answer));
        if (end !== -1) return settle(() => reject(new NoAnswerError('invalid_response')));
        if (answer.length > MAX_ANSWER_BYTES) return settle(() => reject(notHttp()));
      }
    };
    const onError = (error: NodeJS.ErrnoException): void =>
      settle(() => {
        const isOurs = error instanceof NoAnswerError;
        const problem = `cannot be reached (${error.code ?? error.name})`;
        reject(isOurs ? error : new ProxyUnavailableError(problem, error));
      });
    const onClose = (): void =>
      settle(() => reject(new ProxyUnavailableError('closed the connection without an answer')));
    // `close` after `end`: without reading on, neither would come.
    socket.on('readable', onReadable).on('error', onError).on('close', onClose);
  });
}

function readFrom(socket: Socket): Buffer | null {
  return socket.read() as Buffer | null;
}

function assertTunnelled(answer: string): void {
  const status = Number(STATUS_LINE.exec(answer)?.[1]);
  if (Number.isNaN(status)) throw notHttp();
  if (status >= 200 && status < 300) return;
  if (status === PROXY_AUTHENTICATION_REQUIRED) throw new ProxyUnavailableError('wants other credentials');
  throw new NoAnswerError('proxy_refused');
}

function notHttp(): ProxyUnavailableError {
  return new ProxyUnavailableError('does not speak HTTP');
}
