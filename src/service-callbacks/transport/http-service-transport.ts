import type { HttpService } from '@nestjs/axios';
import axios, {
  AxiosError,
  AxiosHeaders,
  type AxiosAdapter,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
  type RawAxiosHeaders,
} from 'axios';
import { firstValueFrom } from 'rxjs';
import type {
  CallbackTransport,
  Deadline,
  TransportResponse,
  TransportRequest,
} from './callback-transport.js';
import { NoResponseError, TIMED_OUT } from '../connections/errors.js';

/**
 * A signal that cancels nothing, because the transport has the deadline. Without a signal `HttpService` makes one for
 * each request and cancels it after the response, which creates an error with a stack that nothing reads.
 */
const NEVER_CANCELLED = new axios.CancelToken(() => undefined);

const NOTHING_TO_DRAIN = Promise.resolve();
const noBody = (): Buffer => Buffer.alloc(0);

/**
 * Sends through the given transport, behind Nest's `HttpService`: a host's axios interceptors run on every request,
 * response and failure. They may change the URL, which is checked after them, and the headers.
 *
 * An interceptor that throws without a failure of the endpoint is a fault of this platform. Its error is thrown, even
 * if the endpoint has already accepted: the callback is then sent again. An interceptor that never returns is cut off
 * at the deadline. An instance-wide `defaults.adapter` is not used; an interceptor may set `config.adapter`.
 */
export class HttpServiceTransport implements CallbackTransport {
  constructor(
    private readonly http: HttpService,
    private readonly transport: CallbackTransport,
  ) {}

  async post(request: TransportRequest, deadline: Deadline): Promise<TransportResponse> {
    const adapter = new TransportAdapter(this.transport, deadline);
    const cutOff = Promise.withResolvers<never>();
    const cut = (): void => cutOff.reject(TIMED_OUT);
    deadline.on(cut);
    try {
      const response = await Promise.race([firstValueFrom(this.request(request, adapter)), cutOff.promise]);
      return responseOf(response, adapter);
    } catch (error) {
      // The endpoint's own failure counts, not an interceptor's error after it.
      if (adapter.failure !== undefined) throw adapter.failure;
      // Complete headers decide the outcome before the deadline, even if an interceptor still holds the response.
      if (deadline.isOver && adapter.response !== undefined) return adapter.response;
      throw error;
    } finally {
      deadline.off(cut);
    }
  }

  private request({ url, headers, body }: TransportRequest, adapter: TransportAdapter) {
    return this.http.request<unknown>({
      url,
      method: 'post',
      headers: { ...headers },
      data: body,
      adapter: adapter.send,
      cancelToken: NEVER_CANCELLED,
      transformRequest: [],
      transformResponse: [],
      validateStatus: () => true,
    });
  }
}

/** The axios adapter of one request. It remembers the response of the transport, whatever interceptors make of it. */
class TransportAdapter {
  response: TransportResponse | undefined;
  failure: NoResponseError | undefined;

  constructor(
    private readonly transport: CallbackTransport,
    private readonly deadline: Deadline,
  ) {}

  readonly send: AxiosAdapter = async (config) => {
    this.response = undefined;
    this.failure = undefined;
    try {
      this.response = await this.transport.post(requestOf(config), this.deadline);
    } catch (error) {
      if (!(error instanceof NoResponseError)) throw error;
      this.failure = error;
      throw AxiosError.from(error, error.reason, config);
    }
    return {
      status: this.response.statusCode,
      statusText: '',
      headers: AxiosHeaders.from({ ...this.response.headers } as RawAxiosHeaders),
      data: undefined,
      config,
    };
  };
}

function requestOf(config: InternalAxiosRequestConfig): TransportRequest {
  const data: unknown = config.data;
  return {
    url: config.url ?? '',
    headers: config.headers.toJSON(true),
    body: typeof data === 'string' ? data : JSON.stringify(data),
  };
}

function responseOf(response: AxiosResponse, adapter: TransportAdapter): TransportResponse {
  return {
    statusCode: response.status,
    headers: lowerCased(response.headers),
    drained: adapter.response?.drained ?? NOTHING_TO_DRAIN,
    body: adapter.response?.body ?? noBody,
  };
}

/**
 * An interceptor may return a response of its own, with headers of any case and type. Headers that are not text are
 * dropped.
 */
function lowerCased(headers: object): TransportResponse['headers'] {
  const entries = Object.entries(headers).map(([name, value]: [string, unknown]) => [
    name.toLowerCase(),
    textOf(value),
  ]);
  return Object.fromEntries(entries) as TransportResponse['headers'];
}

function textOf(value: unknown): string | readonly string[] | undefined {
  if (Array.isArray(value)) return value.filter((item) => typeof item === 'string');
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? value : undefined;
}
