import { Injectable } from '@nestjs/common';
import type {
  CallbackTransport,
  TransportResponse,
  TransportRequest,
} from '../service-callbacks/transport/callback-transport.js';
import { type DeliveryError, NoResponseError } from '../service-callbacks/connections/errors.js';
import { ResponseScript, type TestResponse } from './test-response.js';

/** A response, or the reason why there is none, such as `timeout`. */
export type AttemptResponse = TestResponse | { readonly error: DeliveryError };

/** Receives the requests of all attempts and responds with 200, unless the test sets other responses. */
@Injectable()
export class InMemoryTransport implements CallbackTransport {
  readonly requests: TransportRequest[] = [];
  readonly responses = new ResponseScript<AttemptResponse>(200);

  async post(request: TransportRequest): Promise<TransportResponse> {
    this.requests.push(request);
    const response = this.responses.next();
    if (typeof response !== 'number' && 'error' in response) throw new NoResponseError(response.error);
    const {
      statusCode,
      headers = {},
      body = '',
    } = typeof response === 'number' ? { statusCode: response } : response;
    const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
    return {
      statusCode,
      headers: Object.fromEntries(entries) as Record<string, string>,
      drained: Promise.resolve(),
      body: () => Buffer.from(body),
    };
  }
}
