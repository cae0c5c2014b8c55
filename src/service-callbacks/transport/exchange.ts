import type { Dispatcher } from 'undici';
import type { Deadline, TransportResponse } from './callback-transport.js';
import { isLostWhileReused } from '../connections/connection-use.js';
import { noResponseOf } from './no-response-of.js';
import { NoResponseError, TIMED_OUT } from '../connections/errors.js';

/** At most this much of a response body (bytes) is read; the connection of a longer one cannot be reused. */
const MAX_BODY_BYTES = 16 * 1024;

/** Ends the reading of a body; nothing sees this error: the response has been handed over already. */
const BODY_NOT_WANTED = new Error('The rest of the response body is not wanted');

/**
 * One request and its response, as a dispatch handler of undici.
 *
 * Not `undici.request`: it does not notice an abort before the request is written, so a deadline would wait for a
 * connection that never comes; and it creates a stream for the body, which is barely read.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  private readonly responded = Promise.withResolvers<TransportResponse>();
  private readonly drained = Promise.withResolvers<void>();
  private controller: Dispatcher.DispatchController | undefined;
  private readonly body: Buffer[] = [];
  private bodyBytes = 0;

  /** @param redial dispatches it once more, on a new connection: losing that one is no reason for another */
  constructor(
    private readonly deadline: Deadline,
    private readonly redial: () => void,
  ) {
    deadline.on(this.timeOut);
  }

  /** Rejects with a `NoResponseError`, or the fault of our own that it was. */
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
    // Here too, not in the client alone: undici would wait for the final response after a 101 or a 099.
    if (statusCode < 200 || statusCode > 599) {
      controller.abort(new NoResponseError('invalid_response'));
      return;
    }
    const { promise: drained } = this.drained;
    this.responded.resolve({ statusCode, headers, drained, body: () => Buffer.concat(this.body) });
    // What else a server says is of interest only where it did not accept.
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
