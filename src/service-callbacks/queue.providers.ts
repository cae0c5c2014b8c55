import { getQueueToken, InjectQueue } from '@nestjs/bullmq';
import { Injectable, Logger, type OnApplicationShutdown, type Provider } from '@nestjs/common';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import type { DataSource } from 'typeorm';
import { describeError } from '../observability/describe-error.js';
import { isQueueOutage } from './queues/errors.js';
import { PostgresQueueBackend } from './queues/postgres-queue-backend.js';
import { QueueBackend } from './queues/queue-backend.js';
import { MAIN_QUEUE, RETRY_QUEUE } from './queues/queue-names.js';
import { RedisQueueBackend } from './queues/redis-queue-backend.js';
import { queueConnectionOf } from './setup/database-connection.js';
import { SERVICE_CALLBACKS_OPTIONS, type CompleteOptions } from './service-callbacks.options.js';
import { PayloadCipher } from './security/payload-cipher.js';
import { CallbackTypeRegistry } from './callback-types/callback-type-registry.js';
import { CONNECTOR_OPTIONS } from './transport/transport.providers.js';
import { CALLBACKS_DATA_SOURCE } from './tokens.js';

const backendProvider: Provider = {
  provide: QueueBackend,
  // The last parameters are not used. They make Nest check these options before a connection is opened.
  inject: [
    SERVICE_CALLBACKS_OPTIONS,
    CALLBACKS_DATA_SOURCE,
    PayloadCipher,
    CallbackTypeRegistry,
    CONNECTOR_OPTIONS,
  ],
  useFactory: async ({ queue }: CompleteOptions, dataSource: DataSource): Promise<QueueBackend> => {
    const backend = createBackend(queue, dataSource);
    try {
      await backend.open();
    } catch (error) {
      await backend.close();
      throw error;
    }
    return backend;
  },
};

function createBackend(options: CompleteOptions['queue'], dataSource: DataSource): QueueBackend {
  switch (options.backend) {
    case 'postgres': {
      const connection = queueConnectionOf(options, dataSource);
      const { poolSize: max, ...rest } = options;
      return new PostgresQueueBackend({ ...rest, pool: { ...connection, max } });
    }
    case 'redis': {
      const { url = '', connect = (own) => new Redis(url, own) } = options;
      return new RedisQueueBackend({ ...options, connect });
    }
  }
}

/** `@InjectQueue` finds it like any queue, but it uses this module's backend: see ADR 0003. */
function queueProvider(name: string): Provider {
  return {
    provide: getQueueToken(name),
    inject: [QueueBackend],
    useFactory: async (backend: QueueBackend): Promise<Queue> => {
      const logger = new Logger('ServiceCallbacks');
      const queue = backend.createQueue(name);
      queue.on('error', (error) => {
        if (isQueueOutage(error)) return;
        logger.error({
          event: 'queue.error',
          queue: name,
          err: describeError(error),
          msg: 'The queue responded with an error',
        });
      });
      // BullMQ never tries again, so the start must fail. Redis is waited for later.
      if (backend.kind === 'postgres') await queue.waitUntilReady();
      return queue;
    },
  };
}

/** Closed last: a request in progress may still enqueue. */
@Injectable()
class QueueShutdown implements OnApplicationShutdown {
  private closed: Promise<void> | undefined;

  constructor(
    private readonly backend: QueueBackend,
    @InjectQueue(MAIN_QUEUE) private readonly main: Queue,
    @InjectQueue(RETRY_QUEUE) private readonly retry: Queue,
  ) {}

  /** A host may close twice: by itself and at a signal. */
  onApplicationShutdown(): Promise<void> {
    return (this.closed ??= this.close());
  }

  private async close(): Promise<void> {
    await Promise.all([this.main.close(), this.retry.close()]);
    await this.backend.close();
  }
}

export const queueProviders: Provider[] = [
  backendProvider,
  queueProvider(MAIN_QUEUE),
  queueProvider(RETRY_QUEUE),
  QueueShutdown,
];
