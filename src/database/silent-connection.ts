import type { Duplex } from 'node:stream';

/** Known by its code as a fault of the store. */
class SilentConnectionError extends Error {
  override readonly name = 'SilentConnectionError';
  readonly code = 'ETIMEDOUT';

  constructor(ms: number) {
    super(`The server sent nothing for ${ms} ms after a request`);
  }
}

/**
 * Ends a connection on which nothing comes for so long after something was sent. A server that vanished without
 * closing it is else waited for until the kernel gives up, a quarter of an hour later; one behind a proxy would never end.
 */
export function limitSilence(socket: Duplex, ms: number): void {
  let timer: NodeJS.Timeout | undefined;
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  socket.write = (...args: unknown[]) => {
    timer ??= setTimeout(() => socket.destroy(new SilentConnectionError(ms)), ms);
    return write(...args);
  };
  const clear = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  socket.on('data', clear).on('close', clear);
}
