import pg from 'pg';

/** How long until the next try to listen, ms. */
const RECONNECT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * A `LISTEN` connection that comes back by itself. A notification may be missed while it is away, so it
 * also calls after each reconnect.
 */
export class PostgresListener {
  private client: pg.Client | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly connection: pg.ClientConfig,
    private readonly channel: string,
    private readonly onNotification: () => void,
  ) {}

  start(): void {
    this.connect().catch(() => this.reconnectLater());
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.client?.end().catch(() => undefined);
  }

  private async connect(): Promise<void> {
    const client = new pg.Client({
      ...this.connection,
      keepAlive: true,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      application_name: 'service-callbacks outbox',
    });
    this.client = client;
    client.on('error', () => undefined);
    client.on('end', () => this.reconnectLater());
    client.on('notification', this.onNotification);
    try {
      await client.connect();
      await client.query(`LISTEN ${client.escapeIdentifier(this.channel)}`);
    } catch (error) {
      // A server that connects and does not listen (a standby) would otherwise collect our connections.
      client.end().catch(() => undefined);
      throw error;
    }
    this.onNotification();
  }

  private reconnectLater(): void {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.start(), RECONNECT_MS);
  }
}
