import type { Dispatcher } from 'undici';
import type { Deadline, TransportAnswer } from './callback-transport.js';
import { isLostWhileReused } from './connection-use.js';
import { noAnswerOf } from './no-answer-of.js';
import { NoAnswerError, TIMED_OUT } from './no-answer.error.js';

/** So much of a response body (bytes) is taken, to be read and to reuse the connection; a longer one costs it. */
const MAX_BODY_BYTES = 16 * 1024;

/** Ends the reading of a body; seen by nobody, for the answer was already given. */
const BODY_NOT_WANTED = new Error('The rest of the response body is not wanted');

/**
 * One request and its answer, as undici's dispatch handler.
 *
 * Not `undici.request`: it does not hear an abort before the request is written, so a deadline would wait for a
 * connection that never comes; and it makes a stream of a body of which little is looked at.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  private readonly answered = Promise.withResolvers<TransportAnswer>();
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

  /** Rejects with a `NoAnswerError`, or the fault of our own that it was. */
  get answer(): Promise<TransportAnswer> {
    return this.answered.promise;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.deadline.isOver) controller.abort(TIMED_OUT);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: TransportAnswer['headers'],
  ): void {
    if (statusCode > 101 && statusCode < 200) return;
    // Here too, not in the client alone: undici would wait for the final answer after a 101 or a 099.
    if (statusCode < 200 || statusCode > 599) {
      controller.abort(new NoAnswerError('invalid_response'));
      return;
    }
    const { promise: drained } = this.drained;
    this.answered.resolve({ statusCode, headers, drained, body: () => Buffer.concat(this.body) });
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
    const noAnswer = noAnswerOf(error);
    const isReset = noAnswer?.reason === 'connection_reset' && !this.deadline.isOver;
    if (isReset && isLostWhileReused(error, this.controller !== undefined)) {
      this.controller = undefined;
      this.redial();
      return;
    }
    this.answered.reject(noAnswer ?? error);
    this.settle();
  }

  private readonly timeOut = (): void => {
    this.answered.reject(TIMED_OUT);
    this.controller?.abort(TIMED_OUT);
    this.settle();
  };

  private settle(): void {
    this.deadline.off(this.timeOut);
    this.drained.resolve();
  }
}
