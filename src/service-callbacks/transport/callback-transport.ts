/** The POST of one attempt, headers complete. */
export interface TransportRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A server's response. It is known as soon as its final headers are complete. */
export interface TransportResponse {
  readonly statusCode: number;
  /** Names in lower case; a header that came twice is an array. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /**
   * Settles, and never rejects, when the response body no longer occupies the connection: it was read to its end, cut
   * off at the limit, broken by the server, or ended by the deadline.
   */
  readonly drained: Promise<void>;
  /** The bytes of the response body so far; at most 16 KiB and the end of a packet. */
  readonly body: () => Buffer;
}

/** The end of an attempt, as a transport sees it. */
export interface Deadline {
  readonly isOver: boolean;
  /** Calls the listener once when the attempt is over; at once if it already is. */
  on(listener: () => void): void;
  off(listener: () => void): void;
}

/** The module's own interface to HTTP: the client depends on no HTTP library. */
export interface CallbackTransport {
  /**
   * @param deadline covers DNS, connection, TLS, headers and body; there is no other deadline
   * @throws NoResponseError if there is no complete final response (`timeout` if the deadline came first); any other
   * error is a fault of this platform
   */
  post(request: TransportRequest, deadline: Deadline): Promise<TransportResponse>;
}

/** Injection token of the `CallbackTransport` in use. */
export const CALLBACK_TRANSPORT = Symbol('CALLBACK_TRANSPORT');
