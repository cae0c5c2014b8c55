import type { Dispatcher } from 'undici';
import type { Deadline, TransportResponse } from './callback-transport.js';
import { isLostWhileReused } from '../connections/connection-use.js';
import { noResponseOf } from './no-response-of.js';
import { NoResponseError, TIMED_OUT } from '../connections/errors.js';

/** The most bytes of a response body that are read. A connection with a longer one cannot be reused. */
const MAX_BODY_BYTES = 16 * 1024;

/** Ends the reading of a body. Nothing sees this error, because the response was returned already. */
const BODY_NOT_WANTED = new Error('The rest of the response body is not wanted');

/**
 * One request and its response, as a dispatch handler of undici. It is not `undici.request`, for two reasons.
 * `undici.request` does not notice an abort before the request is written, so a deadline would wait for a connection
 * that is never made. And it creates a stream for the body, of which little is read.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  private readonly responded = Promise.withResolvers<TransportResponse>();
  private readonly drained = Promise.withResolvers<void>();
  private controller: Dispatcher.DispatchController | undefined;
  private readonly body: Buffer[] = [];
  private bodyBytes = 0;

  /**
   * @param redial sends the request again, once, on a new connection. If that connection is lost too, the attempt
   * fails.
   */
  constructor(
    private readonly deadline: Deadline,
    private readonly redial: () => void,
  ) {
    deadline.on(this.timeOut);
  }

  /** Rejects with a `NoResponseError`, or with the error of this platform. */
  get response(): Promise<TransportResponse> {
    return this.responded.promise;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.deadline.isOver) controller.abort(TIMED_OUT);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: TransportResponse['headers'],
  ): void {
    if (statusCode > 101 && statusCode < 200) return;
    // Checked here, not only in the client: after a 101 or a 099 undici would wait for the final response.
    if (statusCode < 200 || statusCode > 599) {
      controller.abort(new NoResponseError('invalid_response'));
      return;
    }
    const { promise: drained } = this.drained;
    this.responded.resolve({ statusCode, headers, drained, body: () => Buffer.concat(this.body) });
    // The body matters only if the response is no success.
    const isLong = Number(headers['content-length']) > MAX_BODY_BYTES;
    if (isLong && statusCode < 300) controller.abort(BODY_NOT_WANTED);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.body.push(chunk);
    this.bodyBytes += chunk.length;
    if (this.bodyBytes > MAX_BODY_BYTES) controller.abort(BODY_NOT_WANTED);
  }

  onResponseEnd(): void {
    this.settle();
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const noResponse = noResponseOf(error);
    const isReset = noResponse?.reason === 'connection_reset' && !this.deadline.isOver;
    if (isReset && isLostWhileReused(error, this.controller !== undefined)) {
      this.controller = undefined;
      this.redial();
      return;
    }
    this.responded.reject(noResponse ?? error);
    this.settle();
  }

  private readonly timeOut = (): void => {
    this.responded.reject(TIMED_OUT);
    this.controller?.abort(TIMED_OUT);
    this.settle();
  };

  private settle(): void {
    this.deadline.off(this.timeOut);
    this.drained.resolve();
  }
}
