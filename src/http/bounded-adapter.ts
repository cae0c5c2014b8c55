import { ExpressAdapter } from '@nestjs/platform-express';

/** How long a stop waits for clients with an incomplete request, ms. */
const LAST_REQUESTS_MS = 3_000;

/** Nest waits without limit for a client that sends half a request, or does not read its response. */
export class BoundedAdapter extends ExpressAdapter {
  override async close(): Promise<void> {
    const timer = setTimeout(() => this.httpServer.closeAllConnections(), LAST_REQUESTS_MS);
    try {
      await super.close();
    } finally {
      clearTimeout(timer);
    }
  }
}
