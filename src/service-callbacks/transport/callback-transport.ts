/** The POST of one attempt, headers complete. */
export interface TransportRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a server said, known as soon as its final response headers are complete (R12). */
export interface TransportAnswer {
  readonly statusCode: number;
  /** Names in lower case; a field that came twice is an array. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /**
   * Settles, and never rejects, once the response body no longer occupies the connection: read to its end, cut
   * off at the cap, broken by the server or ended by the deadline.
   */
  readonly drained: Promise<void>;
  /** What was read of the response body so far, as it came; 16 KiB and the rest of a packet at most. */
  readonly body: () => Buffer;
}

/** When an attempt is over, as a transport sees it. */
export interface Deadline {
  readonly isOver: boolean;
  /** Heard once, when it is over: at once where it is. */
  on(listener: () => void): void;
  off(listener: () => void): void;
}

/** The module's own view of HTTP, so that the client knows of no HTTP library. */
export interface CallbackTransport {
  /**
   * @param deadline the attempt's only one: covers DNS, connect, TLS, headers and body
   * @throws NoAnswerError when there is no complete final answer, `timeout` where the deadline was first; anything
   *   else is a fault of this platform
   */
  post(request: TransportRequest, deadline: Deadline): Promise<TransportAnswer>;
}

/** Injection token of the `CallbackTransport` in use. */
export const CALLBACK_TRANSPORT = Symbol('CALLBACK_TRANSPORT');
