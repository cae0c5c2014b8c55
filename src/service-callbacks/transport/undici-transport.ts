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
 * More (bytes) than the guard of the connection lets through: undici's own limit makes an error with a stack for
 * every header beyond it, which is seconds of a process's time for a few endpoints that send nothing else.
 */
const MAX_HEADER_BYTES = 2 * (MAX_HEAD_BYTES + MAX_BODY_WIRE_BYTES);

/** Idle connections are closed after so long (ms), or what the server's `Keep-Alive` says within the maximum. */
const KEEP_ALIVE_MS = 4_000;
const KEEP_ALIVE_MAX_MS = 60_000;

/**
 * HTTP/1.1 straight over undici: a keep-alive pool per origin, connections without limit (what one endpoint may
 * have in flight is isolation's to decide), one request at a time on each. Asks for no compression, follows no
 * redirect, keeps no cookies and ignores proxy variables.
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
      // The attempt's own deadline is the only one.
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

  /** Origins that hold memory at this moment. */
  get origins(): number {
    return this.pools.size;
  }

  /** Waits for requests in flight, each of which its deadline ends, and closes every connection. */
  async close(): Promise<void> {
    await this.pools.close();
  }

  /** Not sooner: workers finish their attempts on it until then. */
  async onApplicationShutdown(): Promise<void> {
    await this.close();
  }
}

/** So many URLs are remembered; then it begins anew. */
const MAX_URLS = 10_000;

/** Remembers what the address rules say of each URL. The rules do not change; the dialled addresses are checked separately. */
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
