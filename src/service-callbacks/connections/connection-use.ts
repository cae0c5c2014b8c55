import type { Socket } from 'node:net';

/** What a connection had been used for when it was lost. */
interface Loss {
  /** Requests written to it, the last one included. */
  readonly requests: number;
  /** No byte came after the last of them. */
  readonly hasNoBytes: boolean;
}

const losses = new WeakMap<Error, Loss>();

/** Counts the requests and the bytes of a connection of undici's; an error that ends it carries the counts on. */
export class ConnectionUse {
  private requests = 0;
  private bytesWritten: number;
  private bytesRead: number;
  private bytesReadBefore: number;

  constructor(private readonly socket: Socket) {
    this.bytesWritten = socket.bytesWritten;
    this.bytesRead = socket.bytesRead;
    this.bytesReadBefore = socket.bytesRead;
    socket.on('error', (error) => losses.set(error, this.loss()));
  }

  /**
   * To be called before bytes are counted.
   * @returns whether a request was written since the last call: undici writes one in one go, and none before the
   *   response to the one before
   */
  noticeRequest(): boolean {
    if (this.socket.bytesWritten === this.bytesWritten) return false;
    this.bytesWritten = this.socket.bytesWritten;
    this.bytesReadBefore = this.bytesRead;
    this.requests += 1;
    return true;
  }

  countBytes(count: number): void {
    this.bytesRead += count;
  }

  private loss(): Loss {
    this.noticeRequest();
    // The socket also counts bytes that have not been read yet.
    return { requests: this.requests, hasNoBytes: this.socket.bytesRead === this.bytesReadBefore };
  }
}

/**
 * Whether a request failed only because its connection, which had served another before, was lost before any byte of
 * the response: the server may have closed it while it was idle, and nothing is known of this request.
 *
 * @param isWritten whether the request was written at all
 */
export function isLostWhileReused(error: Error, isWritten: boolean): boolean {
  const loss = losses.get(error);
  if (loss === undefined) return false;
  return isWritten ? loss.requests > 1 && loss.hasNoBytes : loss.requests > 0;
}
