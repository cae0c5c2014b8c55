import { randomUUID } from 'node:crypto';
import { loadEnv } from '../src/config/env.js';
import type { DeliveryStatusInput } from '../src/service-callbacks/callback-types/delivery-status.js';
import { CallbackApisService } from '../src/service-callbacks/callback-apis/callback-apis.service.js';
import { ServiceCallbacksProducer } from '../src/service-callbacks/producer/service-callbacks-producer.js';
import { startService, type RunningService } from '../src/service.js';
import { environmentOf } from './environment.js';
import type { Stores } from './lab.js';
import type { BackendName } from './options.js';

/** Of a callback's JSON, bytes, about; what the published comparisons used. */
const BODY_BYTES = 600;

/** The side that enqueues: the service's own API process, in the bench's. */
export class BenchProducer {
  private constructor(
    private readonly service: RunningService,
    private readonly callbacks: ServiceCallbacksProducer,
    private readonly apis: CallbackApisService,
  ) {}

  static async start(backend: BackendName, stores: Stores): Promise<BenchProducer> {
    const env = loadEnv(environmentOf(backend, stores, { PROCESS_ROLE: 'api', MIGRATE_ON_START: 'true' }));
    const service = await startService(env, { logStream: { write: () => undefined } });
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

  async sendMany(serviceId: string, count: number): Promise<void> {
    const inputs = Array.from({ length: count }, () => notification(serviceId));
    await this.callbacks.sendMany('delivery_status', inputs);
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
