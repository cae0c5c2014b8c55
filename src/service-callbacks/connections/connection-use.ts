import type { Socket } from 'node:net';

/** How a connection had been used when it was lost. */
interface Loss {
  /** Requests that were written to it, the last one included. */
  readonly requests: number;
  /** No byte arrived after the last request. */
  readonly hasNoBytes: boolean;
}

const losses = new WeakMap<Error, Loss>();

/** Counts the requests and bytes of an undici connection. The error that ends the connection carries the counts. */
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
   * To be called before bytes are counted. undici writes a request at once, and never before the response to the one
   * before.
   * @returns whether a request was written since the last call
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
    // The socket also counts bytes that were not read yet.
    return { requests: this.requests, hasNoBytes: this.socket.bytesRead === this.bytesReadBefore };
  }
}

/**
 * Whether a request failed only because its connection was lost. That is so if the connection had served another
 * request before, and was lost before any byte of this response: the server may have closed it while it was idle.
 * @param isWritten whether the request was written at all
 */
export function isLostWhileReused(error: Error, isWritten: boolean): boolean {
  const loss = losses.get(error);
  if (loss === undefined) return false;
  return isWritten ? loss.requests > 1 && loss.hasNoBytes : loss.requests > 0;
}
