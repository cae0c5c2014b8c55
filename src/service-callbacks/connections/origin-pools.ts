import { Client, Pool, type Dispatcher } from 'undici';

/** How long after a lost connection its pool is checked for use, ms. The check goes over all connections. */
const FORGET_MS = 250;

/**
 * A pool of connections for each origin, removed soon after its last connection and request. It is not undici's
 * `Agent`: the `Agent` checks whether an origin is in use while an aborted request is still counted, and never again.
 * Every endpoint that once ran into the deadline would keep its pool forever.
 */
export class OriginPools {
  private readonly pools = new Map<string, Pool>();
  /** Connections with one request each. */
  private readonly lone = new Map<Client, Promise<void>>();
  private closing: Promise<void> | undefined;

  constructor(private readonly options: Pool.Options) {}

  /** @throws Error after `close` */
  dispatch(origin: string, options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    if (this.closing !== undefined) throw new Error('The transport is closed: no request can be sent');
    const pool = this.pools.get(origin) ?? this.open(origin);
    pool.dispatch(options, handler);
  }

  /** Sends on a new connection, which is closed after this request; also while the pools are being closed. */
  dispatchAnew(
    origin: string,
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): void {
    const client = new Client(origin, this.options);
    client.dispatch({ ...options, reset: true }, handler);
    this.lone.set(
      client,
      client.close().finally(() => this.lone.delete(client)),
    );
  }

  /** Origins with a pool at this moment. */
  get size(): number {
    return this.pools.size;
  }

  /** Connections at this moment, idle ones included. */
  get connections(): number {
    const pooled = [...this.pools.values()].reduce((sum, { stats }) => sum + stats.connected, 0);
    return [...this.lone.keys()].reduce((sum, { stats }) => sum + Number(stats.connected), pooled);
  }

  /** Waits for requests in flight, and closes every connection. */
  async close(): Promise<void> {
    this.closing ??= this.closeAll();
    await this.closing;
  }

  private async closeAll(): Promise<void> {
    await Promise.all([...this.pools.values()].map((pool) => pool.close()));
    await Promise.all(this.lone.values());
  }

  private open(origin: string): Pool {
    const pool = new Pool(origin, this.options);
    let timer: NodeJS.Timeout | undefined;
    // Later, because undici updates its counts only after it has reported the lost connection.
    const forgetLater = (): void => {
      timer ??= setTimeout(() => {
        timer = undefined;
        this.forgetIfUnused(origin, pool);
      }, FORGET_MS).unref();
    };
    pool.on('disconnect', forgetLater).on('connectionError', forgetLater);
    this.pools.set(origin, pool);
    return pool;
  }

  private forgetIfUnused(origin: string, pool: Pool): void {
    if (this.pools.get(origin) !== pool || this.closing !== undefined) return;
    const { connected, size } = pool.stats;
    if (connected > 0 || size > 0) return;
    this.pools.delete(origin);
    void pool.close();
  }
}
