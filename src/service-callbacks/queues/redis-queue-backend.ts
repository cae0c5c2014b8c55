import { once } from 'node:events';
import { Logger } from '@nestjs/common';
import { createRedisBackend, Queue, type BackendFactory, type WorkerOptions } from 'bullmq';
import { Redis, type Cluster, type RedisOptions } from 'ioredis';
import { describeError } from '../../observability/describe-error.js';
import { QueueBackend, workerOptions, type QueueTiming } from './queue-backend.js';
import { setResponseTimeout } from '../../database/response-timeout.js';
import { gatherWrites } from './gathered-writes.js';
import { onConnection } from './on-connection.js';
import { checkRedisConfiguration } from './redis-configuration.js';
import { FetchingWorker } from './fetching-worker.js';
import { QueueUnavailableError } from './errors.js';

export interface RedisQueueOptions extends QueueTiming {
  /** Makes a client, also for Sentinel or Cluster; it must add these options to its own. */
  readonly connect: (options: RedisOptions) => Redis | Cluster;
  /** BullMQ's key prefix; on a cluster one with a hash tag, such as `{bull}`. */
  readonly prefix?: string;
}

/** The timeout of commands that cannot wait until Redis is back, ms. */
const COMMAND_TIMEOUT_MS = 5_000;
/**
 * A connection without a response for this long is lost, ms. ioredis' `socketTimeout` is not used: its timer outlives
 * the connection and ends the next one. BullMQ itself bounds the wait of its blocking connections.
 */
const RESPONSE_TIMEOUT_MS = 10_000;
/** How long the key of the readiness check is kept, ms. */
const WRITE_PROBE_MS = 1_000;
/** How long `open()` waits for a missing Redis. After that, callbacks wait in the record and deliveries begin later. */
const OPEN_TIMEOUT_MS = 3_000;

const factory = createRedisBackend as unknown as BackendFactory;

/**
 * BullMQ on Redis, if one database is not enough. Two clients a process, whatever the number of services: one waits
 * while Redis is unavailable (workers), the other fails at once (relay, health). Each worker adds the blocking
 * connection that BullMQ needs.
 */
export class RedisQueueBackend extends QueueBackend {
  readonly kind = 'redis';
  readonly timing: QueueTiming;
  private readonly waitingClient: Redis | Cluster;
  private readonly failFastClient: Redis | Cluster;
  private readonly logger = new Logger('ServiceCallbacks');
  /** Why this Redis must not hold callbacks, once its configuration is known. */
  private refusal: Error | undefined;
  /** Why there is no connection: the error of the last attempt to connect. */
  private connectionError: Error | undefined;
  /** Before the first connection, `open()` reports the error. */
  private wasReady = false;
  private isUnavailable = false;
  private isClosed = false;
  /** Warnings that were logged, so that a reconnect does not repeat them. */
  private warned: string | undefined;

  constructor(private readonly options: RedisQueueOptions) {
    super();
    this.timing = options;
    const retryStrategy = (times: number) => Math.min(50 * 2 ** times, 1_000);
    // A primary that became a replica keeps its connections; its address may lead to the new primary.
    const reconnectOnError = ({ message }: Error) => message.startsWith('READONLY');
    this.waitingClient = options.connect({ maxRetriesPerRequest: null, retryStrategy, reconnectOnError });
    gatherWrites(this.waitingClient);
    onConnection(this.waitingClient, (socket) => setResponseTimeout(socket, RESPONSE_TIMEOUT_MS));
    this.failFastClient = options.connect({
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      commandTimeout: COMMAND_TIMEOUT_MS,
      retryStrategy,
      reconnectOnError,
    });
    onConnection(this.failFastClient, (socket) => setResponseTimeout(socket, RESPONSE_TIMEOUT_MS));
    // The caller of a command gets its error. ioredis also prints the error of a client without a listener.
    this.waitingClient.on('error', () => undefined);
    this.failFastClient.on('error', (error: Error) => {
      this.connectionError = error;
    });
    this.failFastClient.on('close', () => {
      if (this.wasReady && !this.isClosed) this.becomeUnavailable('error');
    });
    this.failFastClient.on('ready', () => {
      this.connectionError = undefined;
      this.wasReady = true;
      if (this.isUnavailable) this.logger.log({ event: 'queue.available', msg: 'Redis responds again' });
      this.isUnavailable = false;
      this.checkConfiguration().catch((error: unknown) => {
        this.logger.error({
          event: 'queue.refused',
          err: describeError(error),
          msg: 'Redis may not be used for the queues',
        });
      });
    });
  }

  async open(): Promise<void> {
    if (this.failFastClient.status !== 'ready') {
      await once(this.failFastClient, 'ready', { signal: AbortSignal.timeout(OPEN_TIMEOUT_MS) }).catch(
        () => undefined,
      );
    }
    if (this.failFastClient.status === 'ready') await this.checkConfiguration();
    else this.becomeUnavailable('warn');
  }

  createQueue(name: string): Queue {
    return this.queueOn(this.waitingClient, name);
  }

  /** A worker waits until Redis is back. */
  async createWorker(name: string): Promise<FetchingWorker> {
    const options = {
      ...workerOptions(this.options),
      ...this.prefixOption(),
      connection: this.waitingClient,
    } as unknown as WorkerOptions;
    return new FetchingWorker(name, options, factory);
  }

  async ping(): Promise<void> {
    // The fault may have been corrected since.
    if (this.refusal && this.failFastClient.status === 'ready') await this.checkConfiguration();
    this.assertUsable();
    await this.failFastClient.ping();
  }

  async assertWritable(): Promise<void> {
    await this.ping();
    const key = `${this.options.prefix ?? 'bull'}:service-callbacks:writable`;
    await this.failFastClient.set(key, '', 'PX', WRITE_PROBE_MS);
  }

  async now(): Promise<number> {
    this.assertUsable();
    const [seconds, microseconds] = await this.failFastClient.time();
    return Number(seconds) * 1_000 + Number(microseconds) / 1_000;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.closeQueues();
    this.failFastClient.disconnect();
    this.waitingClient.disconnect();
  }

  protected createFailFastQueue(name: string): Queue {
    return this.queueOn(this.failFastClient, name);
  }

  private queueOn(connection: Redis | Cluster, name: string): Queue {
    const queue = new Queue(
      name,
      { connection, ...this.prefixOption(), skipMetasUpdate: true },
      factory as never,
    );
    queue.on('error', () => undefined);
    return queue;
  }

  private prefixOption(): { prefix?: string } {
    return this.options.prefix === undefined ? {} : { prefix: this.options.prefix };
  }

  override assertUsable(): void {
    if (this.refusal) throw this.refusal;
    if (this.failFastClient.status !== 'ready') throw this.unavailable();
  }

  /** Logged once an outage. */
  private becomeUnavailable(level: 'warn' | 'error'): void {
    if (this.isUnavailable) return;
    this.isUnavailable = true;
    this.logger[level]({
      event: 'queue.unavailable',
      err: describeError(this.unavailable()),
      msg: 'Redis does not respond: callbacks wait in the database',
    });
  }

  private unavailable(): QueueUnavailableError {
    return new QueueUnavailableError('Redis does not respond', this.connectionError);
  }

  private async checkConfiguration(): Promise<void> {
    const { refusal, warning } = await checkRedisConfiguration(this.failFastClient);
    this.refusal = refusal;
    if (refusal) throw refusal;
    if (warning !== undefined && warning !== this.warned)
      this.logger.warn({ event: 'queue.unsafe', msg: warning });
    this.warned = warning;
  }
}
