import { Client, Pool, type Dispatcher } from 'undici';

/** Between a lost connection and the look whether its pool is still in use, ms: that goes over all connections. */
const FORGET_MS = 250;

/**
 * A pool of connections per origin, forgotten soon after the origin's last connection and request.
 *
 * Not undici's `Agent`: it looks whether an origin is still in use while a request that was aborted is still
 * counted, and never again. Every endpoint that ever ran into the deadline would keep its pool for good.
 */
export class OriginPools {
  private readonly pools = new Map<string, Pool>();
  /** Each with one request. */
  private readonly lone = new Map<Client, Promise<void>>();
  private closing: Promise<void> | undefined;

  constructor(private readonly options: Pool.Options) {}

  /** @throws Error after `close` */
  dispatch(origin: string, options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    if (this.closing !== undefined) throw new Error('The transport is closed: no request can be sent');
    const pool = this.pools.get(origin) ?? this.open(origin);
    pool.dispatch(options, handler);
  }

  /** On a connection made for this request, and closed after it; also while the pools are being closed. */
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

  /** Origins that hold memory at this moment. */
  get size(): number {
    return this.pools.size;
  }

  /** Connections at this moment, idle ones included. */
  get connections(): number {
    const pooled = [...this.pools.values()].reduce((sum, { stats }) => sum + stats.connected, 0);
    return [...this.lone.keys()].reduce((sum, { stats }) => sum + Number(stats.connected), pooled);
  }

  /** Waits for requests in flight and closes every connection. */
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
    // Later: undici updates its counts only after it has reported the lost connection.
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
