import type { Duplex } from 'node:stream';

/** `isStoreFault` knows it by its code. */
class ResponseTimeoutError extends Error {
  override readonly name = 'ResponseTimeoutError';
  readonly code = 'ETIMEDOUT';

  constructor(ms: number) {
    super(`The server sent nothing for ${ms} ms after a request`);
  }
}

/**
 * Ends a connection if nothing arrives for this long after something was sent. Otherwise a server that vanished is
 * noticed only when the kernel gives up after a quarter of an hour, and behind a proxy never.
 */
export function setResponseTimeout(socket: Duplex, ms: number): void {
  let timer: NodeJS.Timeout | undefined;
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  socket.write = (...args: unknown[]) => {
    timer ??= setTimeout(() => socket.destroy(new ResponseTimeoutError(ms)), ms);
    return write(...args);
  };
  const clear = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  socket.on('data', clear).on('close', clear);
}
