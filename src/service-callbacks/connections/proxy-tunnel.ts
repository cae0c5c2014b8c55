import { connect as connectTcp, isIPv6, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import { NoResponseError, ProxyUnavailableError } from './errors.js';
import type { Proxy } from './proxy.js';

/** A longer response to CONNECT is invalid, bytes. */
const MAX_RESPONSE_BYTES = 8 * 1024;

const STATUS_LINE = /^HTTP\/1\.\d (\d{3})\b/;
const END_OF_HEADERS = '\r\n\r\n';
const PROXY_AUTHENTICATION_REQUIRED = 407;

export interface TunnelOptions {
  readonly proxy: Proxy;
  /** For a proxy with TLS. */
  readonly secureContext: SecureContext;
  /** A tunnel that takes longer is destroyed, ms. */
  readonly timeoutMs: number;
}

/**
 * Requests a connection to this address from the proxy (RFC 9110 §9.3.6). The proxy has no name to resolve.
 * @throws ProxyUnavailableError if the proxy cannot be reached, rejects the credentials, or does not speak HTTP
 * @throws NoResponseError if the proxy cannot or may not reach the address, or took longer than `timeoutMs`
 */
export async function openTunnel(ip: string, port: number, options: TunnelOptions): Promise<Socket> {
  const { proxy, timeoutMs } = options;
  const socket = connectTo(options);
  const timer = setTimeout(() => socket.destroy(new NoResponseError('timeout')), timeoutMs);
  try {
    const authority = isIPv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`;
    const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`];
    if (proxy.authorization !== undefined) lines.push(`Proxy-Authorization: ${proxy.authorization}`);
    socket.write(lines.join('\r\n') + END_OF_HEADERS);
    assertTunnelled(await readResponse(socket));
    return socket;
  } catch (error) {
    // A late error of this socket must not become an uncaught one.
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

/** The complete response. Bytes after it are an error: the endpoint must not send before the client does. */
function readResponse(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let response = '';
    const settle = (outcome: () => void): void => {
      socket.off('readable', onReadable).off('error', onError).off('close', onClose);
      outcome();
    };
    const onReadable = (): void => {
      for (let chunk = readFrom(socket); chunk !== null; chunk = readFrom(socket)) {
        response += chunk.toString('latin1');
        const end = response.indexOf(END_OF_HEADERS);
        const isWhole = end === response.length - END_OF_HEADERS.length;
        if (end !== -1 && isWhole) return settle(() => resolve(response));
        if (end !== -1) return settle(() => reject(new NoResponseError('invalid_response')));
        if (response.length > MAX_RESPONSE_BYTES) return settle(() => reject(notHttp()));
      }
    };
    const onError = (error: NodeJS.ErrnoException): void =>
      settle(() => {
        const isOurs = error instanceof NoResponseError;
        const problem = `cannot be reached (${error.code ?? error.name})`;
        reject(isOurs ? error : new ProxyUnavailableError(problem, error));
      });
    const onClose = (): void =>
      settle(() => reject(new ProxyUnavailableError('closed the connection without a response')));
    // `close` follows `end`; neither comes unless the socket is read.
    socket.on('readable', onReadable).on('error', onError).on('close', onClose);
  });
}

function readFrom(socket: Socket): Buffer | null {
  return socket.read() as Buffer | null;
}

function assertTunnelled(response: string): void {
  const status = Number(STATUS_LINE.exec(response)?.[1]);
  if (Number.isNaN(status)) throw notHttp();
  if (status >= 200 && status < 300) return;
  if (status === PROXY_AUTHENTICATION_REQUIRED) throw new ProxyUnavailableError('wants other credentials');
  throw new NoResponseError('proxy_refused');
}

function notHttp(): ProxyUnavailableError {
  return new ProxyUnavailableError('does not speak HTTP');
}
