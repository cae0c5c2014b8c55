import { startTcpServer } from './tcp-server.js';

/** A port of 127.0.0.1 at which connections are refused: one that was free a moment ago. */
export async function closedPort(): Promise<number> {
  const server = await startTcpServer();
  await server.close();
  return server.port;
}
