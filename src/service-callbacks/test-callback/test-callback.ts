import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { FixedWindows } from '../../http/rate-limit/fixed-windows.js';
import { CallbackApiNotFoundError } from '../endpoints/errors.js';
import { CallbackApiRepository, type EndpointWithSecrets } from '../endpoints/callback-api.repository.js';
import { Holds } from '../holds/holds.js';
import { CallbackTypeRegistry } from '../callback-types/callback-type-registry.js';
import { Clock } from '../clock.js';
import { excerptOf } from '../transport/response-excerpt.js';
import { CallbackClient } from '../transport/callback-client.js';
import type { CallbackRequest } from '../transport/callback-request.js';
import type { CallbackTransport, TransportResponse } from '../transport/callback-transport.js';
import {
  CONNECTOR_OPTIONS,
  WITH_INTERCEPTORS,
  type WithInterceptors,
} from '../transport/transport.providers.js';
import { UndiciTransport } from '../transport/undici-transport.js';
import type { ConnectorOptions } from '../connections/vetted-connector.js';
import type { DeliveryOptions } from '../service-callbacks.options.js';
import { DELIVERY_OPTIONS } from '../tokens.js';
import { hintOf } from './hint-of.js';
import { ObservedConnection } from './observed-connection.js';
import type { TestResult } from './test-result.js';

/** Marks a request as a test; its payload is marked too. */
const TEST_HEADER = 'webhook-test';

/** Limits of each endpoint, in each process. */
const PER_MINUTE = 10;
const MINUTE_MS = 60_000;

/**
 * Sends one marked callback now, and reports the result. It uses the client, the signature and the address rules of
 * every callback, over a connection of its own. It is not queued, not retried, and not logged as a callback. It ignores
 * the endpoint's circuit and congestion window, and does not change them.
 */
@Injectable()
export class TestCallback {
  private readonly windows = new FixedWindows();

  constructor(
    private readonly callbackApis: CallbackApiRepository,
    private readonly types: CallbackTypeRegistry,
    private readonly clock: Clock,
    private readonly holds: Holds,
    @Inject(CONNECTOR_OPTIONS) private readonly connector: ConnectorOptions,
    /** A host's interceptors get a test like any callback. */
    @Inject(WITH_INTERCEPTORS) private readonly withInterceptors: WithInterceptors,
    @Inject(DELIVERY_OPTIONS) private readonly delivery: DeliveryOptions,
  ) {}

  /**
   * Also for a disabled endpoint: a test shows whether it can be enabled.
   * @throws CallbackApiNotFoundError, TooManyTestsError
   */
  async send(serviceId: string, callbackApiId: string): Promise<TestResult> {
    const api = await this.callbackApis.find(serviceId, callbackApiId);
    const endpoint = api && (await this.callbackApis.findWithSecrets(serviceId, api.callbackType));
    if (!endpoint) throw new CallbackApiNotFoundError(serviceId, callbackApiId);
    await this.assertNotTooMany(callbackApiId);
    // No database connection is held during the request.
    const result = await this.sendTo(endpoint, this.payloadOf(api.callbackType));
    if (result.outcome.kind === 'delivered') await this.holds.lift({ endpointId: api.id, ...api }, 'test');
    return result;
  }

  private async assertNotTooMany(callbackApiId: string): Promise<void> {
    const count = await this.windows.increment(callbackApiId, MINUTE_MS, PER_MINUTE);
    if (count.isBlocked) throw new TooManyTestsError(callbackApiId, PER_MINUTE, count.timeToExpire);
  }

  private async sendTo(endpoint: EndpointWithSecrets, body: string): Promise<TestResult> {
    const id = randomUUID();
    const at = new Date(this.clock.now());
    const { url, bearerToken, signingSecrets } = endpoint;
    const connection = new ObservedConnection(this.connector);
    const undici = new UndiciTransport(connection.options);
    const transport = new LastResponse(this.withInterceptors(undici));
    const { timeoutMs } = this.delivery;
    try {
      const client = new CallbackClient(transport, this.clock, { timeoutMs });
      const extraHeaders = { [TEST_HEADER]: 'true' };
      const request = { id, url, bearerToken, signingSecrets, body, extraHeaders };
      const outcome = await client.send(request);
      const facts = { url, outcome, connection: await connection.facts(url, outcome) };
      const { location, excerpt } = transport.shown(request);
      return { id, at, ...facts, location, excerpt, hint: hintOf({ ...facts, location, timeoutMs }) };
    } finally {
      await undici.close();
    }
  }

  private payloadOf(callbackType: string): string {
    const definition = this.types.get(callbackType);
    const example = definition?.example?.();
    return JSON.stringify({ ...(example !== undefined && definition?.payload(example)), test: true });
  }
}

/** Keeps the response, which the client does not return. */
class LastResponse implements CallbackTransport {
  private response: TransportResponse | undefined;

  constructor(private readonly transport: CallbackTransport) {}

  async post(...request: Parameters<CallbackTransport['post']>): Promise<TransportResponse> {
    this.response = await this.transport.post(...request);
    return this.response;
  }

  /** Makes a response printable, and masks what a server must not show: the token and the secrets. */
  shown(request: CallbackRequest): Pick<TestResult, 'location' | 'excerpt'> {
    const location = [this.response?.headers['location']].flat()[0];
    return {
      location: (location !== undefined && excerptOf(Buffer.from(location), request)) || null,
      excerpt: (this.response && excerptOf(this.response.body(), request)) || null,
    };
  }
}

/** Test callbacks are for people. Code that sends often must send callbacks. */
export class TooManyTestsError extends Error {
  override readonly name = 'TooManyTestsError';

  /** @param retryAfterSeconds the time until the next test is allowed */
  constructor(
    callbackApiId: string,
    perMinute: number,
    readonly retryAfterSeconds: number,
  ) {
    super(
      `Callback API ${callbackApiId} was sent ${perMinute} test callbacks this minute; ` +
        `the next is possible in ${retryAfterSeconds} s`,
    );
  }
}
