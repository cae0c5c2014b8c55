import type { OnApplicationShutdown } from '@nestjs/common';
import { MAX_BODY_WIRE_BYTES, MAX_HEAD_BYTES } from '../connections/response-guard.js';
import type {
  CallbackTransport,
  Deadline,
  TransportResponse,
  TransportRequest,
} from './callback-transport.js';
import { Exchange } from './exchange.js';
import { NoResponseError } from '../connections/errors.js';
import { OriginPools } from '../connections/origin-pools.js';
import { vettedConnector, type ConnectorOptions } from '../connections/vetted-connector.js';
import type { AddressRules, UrlCheck } from '../addresses/address-rules.js';

/**
 * More bytes than the connection's guard lets pass. Undici's own limit makes an error with a stack for every header
 * beyond it: a few endpoints that send only headers would cost seconds of CPU.
 */
const MAX_HEADER_BYTES = 2 * (MAX_HEAD_BYTES + MAX_BODY_WIRE_BYTES);

/** Idle connections are closed after this time, ms, or after the server's `Keep-Alive`, up to the maximum. */
const KEEP_ALIVE_MS = 4_000;
const KEEP_ALIVE_MAX_MS = 60_000;

/**
 * HTTP/1.1 on undici: a keep-alive pool for each origin, one request at a time on each connection, and any number of
 * connections, because isolation limits the attempts in flight. It requests no compression, follows no redirect, keeps
 * no cookies and ignores proxy variables.
 */
export class UndiciTransport implements CallbackTransport, OnApplicationShutdown {
  private readonly pools: OriginPools;
  private readonly checked: CheckedUrls;

  constructor(options: ConnectorOptions) {
    this.checked = new CheckedUrls(options.rules);
    this.pools = new OriginPools({
      connect: vettedConnector(options),
      allowH2: false,
      pipelining: 1,
      maxHeaderSize: MAX_HEADER_BYTES,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
      // The attempt's own deadline replaces this timeout.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  async post({ url, headers, body }: TransportRequest, deadline: Deadline): Promise<TransportResponse> {
    const check = this.checked.of(url);
    if (!check.ok) throw new NoResponseError(check.reason);

    const { origin } = check.url;
    const options = { path: check.target, method: 'POST', headers, body } as const;
    const exchange: Exchange = new Exchange(deadline, () =>
      this.pools.dispatchAnew(origin, options, exchange),
    );
    this.pools.dispatch(origin, options, exchange);
    return exchange.response;
  }

  /** Connections at this moment, idle ones included. */
  get connections(): number {
    return this.pools.connections;
  }

  /** Origins with a pool at this moment. */
  get origins(): number {
    return this.pools.size;
  }

  /** Waits for requests in flight, each at most for its deadline, and closes every connection. */
  async close(): Promise<void> {
    await this.pools.close();
  }

  /** In this late hook, because workers finish their attempts before it. */
  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}

/** How many URLs are remembered. At the limit, all are forgotten. */
const MAX_URLS = 10_000;

/**
 * Remembers the result of the address rules for each URL. The rules do not change. The addresses of connections are
 * checked separately.
 */
class CheckedUrls {
  private readonly known = new Map<string, UrlCheck>();

  constructor(private readonly rules: AddressRules) {}

  of(url: string): UrlCheck {
    const known = this.known.get(url);
    if (known) return known;
    if (this.known.size >= MAX_URLS) this.known.clear();
    const check = this.rules.checkUrl(url);
    this.known.set(url, check);
    return check;
  }
}
