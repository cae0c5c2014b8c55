import { expect } from '@jest/globals';
import type { CallbackRequest } from '../../src/service-callbacks/transport/callback-request.js';
import type { DeliveryError } from '../../src/service-callbacks/connections/errors.js';
import { clientUnderTest, type ClientOptions, type ClientUnderTest } from './callback-client.js';
import {
  startReceiver,
  startTcpServer,
  type Receiver,
  type ReceiverOptions,
  type TcpServer,
  type TcpServerOptions,
} from './receiver.js';

/** Clients and servers of one attempt, closed in the order they need. */
export class AttemptFixture {
  private readonly closers: (() => Promise<void>)[] = [];

  async receiver(options?: ReceiverOptions): Promise<Receiver> {
    const started = await startReceiver(options);
    this.closers.push(() => started.close());
    return started;
  }

  async tcpServer(options?: TcpServerOptions): Promise<TcpServer> {
    const started = await startTcpServer(options);
    this.closers.push(() => started.close());
    return started;
  }

  client(options?: ClientOptions): ClientUnderTest {
    const made = clientUnderTest(options);
    this.closers.push(() => made.wire.close());
    return made;
  }

  /** After each test. */
  async close(): Promise<void> {
    for (const close of this.closers.splice(0).toReversed()) await close();
  }
}

export function aRequest(url: string, overrides: Partial<CallbackRequest> = {}): CallbackRequest {
  return {
    id: 'a-callback-id',
    url,
    bearerToken: 'a-bearer-token',
    signingSecrets: [],
    body: '{"id":"1"}',
    ...overrides,
  };
}

const durationMs: unknown = expect.any(Number);
export const delivered = (statusCode: number) => ({ kind: 'delivered', statusCode, durationMs });
const headers: unknown = expect.any(Object);
export const final = (statusCode: number) => ({
  kind: 'final',
  failure: { statusCode },
  durationMs,
  headers,
});
export const finalError = (error: DeliveryError) => ({ kind: 'final', failure: { error }, durationMs });
export const retryable = (statusCode: number) => ({
  kind: 'retryable',
  failure: { statusCode },
  durationMs,
  headers,
});
export const retryableError = (error: DeliveryError) => ({
  kind: 'retryable',
  failure: { error },
  durationMs,
});
