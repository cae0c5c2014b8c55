import { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';

export interface RecordedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** As it was requested, query included. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** When it was complete: a `performance.now()` of the receiver's process, in milliseconds. */
  readonly at: number;
  /** The client's port: the same for requests on one connection. */
  readonly clientPort: number;
}

export interface WaitOptions {
  readonly path?: string;
  readonly timeoutMs?: number;
}

/** What arrived, and a way to wait for it that polls nothing. */
export class Recording {
  readonly requests: RecordedRequest[] = [];
  private readonly events = new EventEmitter().setMaxListeners(0);

  add(request: RecordedRequest): void {
    this.requests.push(request);
    this.events.emit('request');
  }

  waitFor(
    count: number,
    { path, timeoutMs = 10_000 }: WaitOptions = {},
  ): Promise<readonly RecordedRequest[]> {
    const matching = (): RecordedRequest[] =>
      this.requests.filter((request) => path === undefined || request.path === path);
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.events.off('request', check);
      };
      const check = (): void => {
        if (matching().length < count) return;
        settle();
        resolve(matching().slice(0, count));
      };
      const timer = setTimeout(() => {
        settle();
        const arrived = this.requests.map((request) => request.path).join(', ') || 'none';
        reject(
          new Error(
            `${matching().length} of ${count} requests to ${path ?? 'any path'} in ${timeoutMs} ms; arrived: ${arrived}`,
          ),
        );
      }, timeoutMs);
      this.events.on('request', check);
      check();
    });
  }
}
