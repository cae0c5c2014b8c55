import { randomUUID } from 'node:crypto';
import { getQueueToken } from '@nestjs/bullmq';
import type { Queue } from 'bullmq';
import { DataSource } from 'typeorm';
import { loadEnv } from '../src/config/env.js';
import type { DeliveryStatusInput } from '../src/service-callbacks/callback-types/delivery-status.js';
import { CallbackApisService } from '../src/service-callbacks/callback-apis/callback-apis.service.js';
import { OutboxRepository } from '../src/service-callbacks/outbox/outbox.repository.js';
import { MAIN_QUEUE } from '../src/queues/queue-names.js';
import { ServiceVolume } from '../src/service-callbacks/producer/service-volume.js';
import { ServiceCallbacksProducer } from '../src/service-callbacks/producer/service-callbacks-producer.js';
import { startService, type RunningService } from '../src/service.js';
import { environmentOf } from './environment.js';
import type { Stores } from './lab.js';
import type { BackendName } from './options.js';

/** Of a callback's JSON, bytes, about; what the published comparisons used. */
const BODY_BYTES = 600;
/** BullMQ's own order: first come, first served. */
const NO_PRIORITY = 0;

/** The side that enqueues: the service's own API process, in the bench's. */
export class BenchProducer {
  private constructor(
    private readonly service: RunningService,
    private readonly callbacks: ServiceCallbacksProducer,
    private readonly apis: CallbackApisService,
  ) {}

  /** @param isFair false: without the priority that keeps a service's flood behind the others. */
  static async start(backend: BackendName, stores: Stores, { isFair = true } = {}): Promise<BenchProducer> {
    const env = loadEnv(environmentOf(backend, stores, { PROCESS_ROLE: 'api', MIGRATE_ON_START: 'true' }));
    const service = await startService(env, { logStream: { write: () => undefined } });
    if (!isFair) service.app.get(ServiceVolume).next = () => NO_PRIORITY;
    return new BenchProducer(
      service,
      service.app.get(ServiceCallbacksProducer),
      service.app.get(CallbackApisService),
    );
  }

  /** @returns the id of a service of its own whose callbacks go there. */
  async register(url: string): Promise<string> {
    const serviceId = randomUUID();
    await this.apis.create({
      serviceId,
      callbackType: 'delivery_status',
      url,
      bearerToken: 'a-bearer-token-of-the-bench',
      updatedById: randomUUID(),
    });
    return serviceId;
  }

  /** @param intendedAt when it should have been sent, ms since the epoch: delays count from there. */
  async send(serviceId: string, intendedAt?: number): Promise<void> {
    await this.callbacks.sendDeliveryStatus(notification(serviceId, intendedAt));
  }

  /** Each of the services in turn. */
  async sendMany(serviceIds: readonly string[], count: number): Promise<void> {
    const inputs = Array.from({ length: count }, (_, n) =>
      notification(serviceIds[n % serviceIds.length] ?? ''),
    );
    await this.callbacks.sendMany('delivery_status', inputs);
  }

  /** Ends when all that was sent is in the queue: on Redis the relays are at it for a while. */
  async settle(): Promise<void> {
    const outbox = new OutboxRepository(this.service.app.get(DataSource));
    while ((await outbox.backlog()).jobs > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  /** Ends when no first attempt waits or is on its way. */
  async emptied(): Promise<void> {
    const queue = this.service.app.get<Queue>(getQueueToken(MAIN_QUEUE));
    const count = () => queue.getJobCountByTypes('waiting', 'prioritized', 'active', 'delayed');
    // Counting 100,000 jobs is work for the queue's store.
    while ((await count()) > 0) await new Promise((resolve) => setTimeout(resolve, 1_000));
  }

  async stop(): Promise<void> {
    await this.service.stop();
  }
}

function notification(
  serviceId: string,
  intendedAt = performance.timeOrigin + performance.now(),
): DeliveryStatusInput {
  const now = new Date();
  const bare = {
    id: randomUUID(),
    serviceId,
    reference: intendedAt.toFixed(3),
    to: '',
    status: 'delivered',
    createdAt: now,
    updatedAt: now,
    sentAt: now,
    notificationType: 'email',
    templateId: randomUUID(),
    templateVersion: 1,
  } as const;
  return { ...bare, to: 'x'.repeat(BODY_BYTES - 350) };
}
