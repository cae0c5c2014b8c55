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
import type { CallbackTransport, Deadline, TransportAnswer, TransportRequest } from './callback-transport.js';
import { NoAnswerError, TIMED_OUT } from './no-answer.error.js';

/**
 * Cancels nothing: the deadline is the wire's. Without one `HttpService` makes one a request and cancels it when
 * the answer is there, an error with a stack that nobody sees.
 */
const NEVER_CANCELLED = new axios.CancelToken(() => undefined);

const NOTHING_TO_DRAIN = Promise.resolve();
const noBody = (): Buffer => Buffer.alloc(0);

/**
 * The same wire as the transport it is given, seen through `HttpService`: a host's axios interceptors run on every
 * request, answer and failure. They may change the URL (it is vetted afterwards) and the headers.
 *
 * An interceptor that throws where the endpoint did not fail is a fault of this platform and is thrown on, even
 * when the endpoint had already accepted: the callback is then sent again. One that never returns is cut off at the
 * deadline. An instance-wide `defaults.adapter` is not used; an interceptor may set `config.adapter`.
 */
export class HttpServiceTransport implements CallbackTransport {
  constructor(
    private readonly http: HttpService,
    private readonly wire: CallbackTransport,
  ) {}

  async post(request: TransportRequest, deadline: Deadline): Promise<TransportAnswer> {
    const wireTap = new WireTap(this.wire, deadline);
    const cutOff = Promise.withResolvers<never>();
    const cut = (): void => cutOff.reject(TIMED_OUT);
    deadline.on(cut);
    try {
      const response = await Promise.race([firstValueFrom(this.request(request, wireTap)), cutOff.promise]);
      return answerOf(response, wireTap);
    } catch (error) {
      // The endpoint's failure counts, not what interceptors made of it.
      if (wireTap.failure !== undefined) throw wireTap.failure;
      // Complete headers decided before the deadline (R12), though an interceptor still holds them.
      if (deadline.isOver && wireTap.answer !== undefined) return wireTap.answer;
      throw error;
    } finally {
      deadline.off(cut);
    }
  }

  private request({ url, headers, body }: TransportRequest, wireTap: WireTap) {
    return this.http.request<unknown>({
      url,
      method: 'post',
      headers: { ...headers },
      data: body,
      adapter: wireTap.adapter,
      cancelToken: NEVER_CANCELLED,
      transformRequest: [],
      transformResponse: [],
      validateStatus: () => true,
    });
  }
}

/** The axios adapter of one request; remembers what came over the wire, whatever interceptors make of it. */
class WireTap {
  answer: TransportAnswer | undefined;
  failure: NoAnswerError | undefined;

  constructor(
    private readonly wire: CallbackTransport,
    private readonly deadline: Deadline,
  ) {}

  readonly adapter: AxiosAdapter = async (config) => {
    this.answer = undefined;
    this.failure = undefined;
    try {
      this.answer = await this.wire.post(requestOf(config), this.deadline);
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      this.failure = error;
      throw AxiosError.from(error, error.reason, config);
    }
    return {
      status: this.answer.statusCode,
      statusText: '',
      headers: AxiosHeaders.from({ ...this.answer.headers } as RawAxiosHeaders),
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

function answerOf(response: AxiosResponse, wireTap: WireTap): TransportAnswer {
  return {
    statusCode: response.status,
    headers: lowerCased(response.headers),
    drained: wireTap.answer?.drained ?? NOTHING_TO_DRAIN,
    body: wireTap.answer?.body ?? noBody,
  };
}

/** Interceptors may answer in the wire's place, with headers of any case and kind; those not text say nothing. */
function lowerCased(headers: object): TransportAnswer['headers'] {
  const entries = Object.entries(headers).map(([name, value]: [string, unknown]) => [
    name.toLowerCase(),
    textOf(value),
  ]);
  return Object.fromEntries(entries) as TransportAnswer['headers'];
}

function textOf(value: unknown): string | readonly string[] | undefined {
  if (Array.isArray(value)) return value.filter((item) => typeof item === 'string');
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? value : undefined;
}
