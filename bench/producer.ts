import { randomUUID } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import { loadEnv } from '../src/config/env.js';
import type { DeliveryStatusInput } from '../src/service-callbacks/callback-types/delivery-status.js';
import { CallbackRepository } from '../src/service-callbacks/callbacks/callback.repository.js';
import { CallbackApisService } from '../src/service-callbacks/endpoints/callback-apis.service.js';
import { ServiceCallbacksProducer } from '../src/service-callbacks/producer/service-callbacks-producer.js';
import { startService, type RunningService } from '../src/service.js';
import { environmentOf } from './environment.js';
import type { Stores } from './lab.js';
import type { BackendName } from './options.js';

/** The size of a callback's JSON, about, bytes: that of the published comparisons. */
const BODY_BYTES = 600;
/** Callbacks a call: all of them are sealed in memory at once. */
const TOGETHER = 10_000;

/** The enqueuing side: the service's API process, inside the bench's own process. */
export class BenchProducer {
  private constructor(
    private readonly service: RunningService,
    private readonly callbacks: ServiceCallbacksProducer,
    private readonly apis: CallbackApisService,
  ) {}

  /** @param own settings of the scenario, which its worker gets too */
  static async start(
    backend: BackendName,
    stores: Stores,
    own: Readonly<Record<string, string>> = {},
  ): Promise<BenchProducer> {
    const env = loadEnv(
      environmentOf(backend, stores, { PROCESS_ROLE: 'api', MIGRATE_ON_START: 'true', ...own }),
    );
    const service = await startService(env, { logStream: { write: () => undefined } });
    const { app } = service;
    return new BenchProducer(service, app.get(ServiceCallbacksProducer), app.get(CallbackApisService));
  }

  /**
   * Creates a service whose callbacks go there.
   * @returns the id of the service
   */
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

  /** @param intendedAt when it should have been sent, ms since the epoch; delays count from there */
  async send(serviceId: string, intendedAt?: number): Promise<void> {
    await this.callbacks.sendDeliveryStatus(notification(serviceId, intendedAt));
  }

  /** Sends as a part of a caller's transaction. */
  async sendWith(manager: EntityManager, serviceId: string): Promise<void> {
    await this.callbacks.sendDeliveryStatus(notification(serviceId), { manager });
  }

  /** Sends for each of the services in turn. */
  async sendMany(serviceIds: readonly string[], count: number): Promise<void> {
    for (let sent = 0; sent < count; sent += TOGETHER) {
      const inputs = Array.from({ length: Math.min(TOGETHER, count - sent) }, (_, n) =>
        notification(serviceIds[(sent + n) % serviceIds.length] ?? ''),
      );
      await this.callbacks.sendMany('delivery_status', inputs);
    }
  }

  get dataSource(): DataSource {
    return this.service.app.get(DataSource);
  }

  /** The duration of each take that found something, of this process's relay, ms. */
  onTake(listener: (ms: number) => void): void {
    const callbacks = this.service.app.get(CallbackRepository);
    const take = callbacks.take.bind(callbacks);
    callbacks.take = async (limits) => {
      const startedAt = performance.now();
      const taken = await take(limits);
      if (taken.length > 0) listener(performance.now() - startedAt);
      return taken;
    };
  }

  /** Resolves when this many callbacks are held. */
  async untilHeld(count: number): Promise<void> {
    const held = async () => {
      const [row] = await this.dataSource.query<{ count: number }[]>(
        `SELECT count(*)::int AS count FROM service_callbacks WHERE state = 'held'`,
      );
      return row?.count ?? 0;
    };
    while ((await held()) < count) await new Promise((resolve) => setTimeout(resolve, 500));
  }

  /** The time until the next probe of the endpoint on hold, and the current interval of its probes, ms. */
  async nextProbe(): Promise<{ readonly inMs: number; readonly intervalMs: number }> {
    const [row] = await this.dataSource.query<{ in_ms: number; interval_ms: number }[]>(
      `SELECT (extract(epoch FROM next_probe_at - now()) * 1000)::float8 AS in_ms,
         probe_interval_ms::float8 AS interval_ms
       FROM service_callback_holds WHERE state = 'open'`,
    );
    return { inMs: row?.in_ms ?? Number.NaN, intervalMs: row?.interval_ms ?? Number.NaN };
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
