/** The POST of one attempt, headers complete. */
export interface TransportRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A server's response, known as soon as its final headers are complete. */
export interface TransportResponse {
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
  /** Calls the listener once when the attempt is over; at once if it is over already. */
  on(listener: () => void): void;
  off(listener: () => void): void;
}

/** The module's own interface to HTTP, so that the client depends on no HTTP library. */
export interface CallbackTransport {
  /**
   * @param deadline the attempt's only one: covers DNS, connect, TLS, headers and body
   * @throws NoResponseError when there is no complete final response (`timeout` if the deadline came first); anything
   *   else is a fault of this platform
   */
  post(request: TransportRequest, deadline: Deadline): Promise<TransportResponse>;
}

/** Injection token of the `CallbackTransport` in use. */
export const CALLBACK_TRANSPORT = Symbol('CALLBACK_TRANSPORT');
