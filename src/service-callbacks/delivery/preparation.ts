import { Inject, Injectable, Optional } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import { CallbackApiRepository } from '../callback-apis/callback-api.repository.js';
import { CallbackTypeRegistry } from '../callback-types/callback-type-registry.js';
import { deliveryStatus } from '../callback-types/delivery-status.js';
import { DisabledEndpoints } from '../endpoint-health/disabled-endpoints.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import type { CallbackDocument } from './callback-job.js';
import { callbackId } from './callback-id.js';
import type { Callback } from './callback.js';
import { DatabaseTurns } from './database-turns.js';
import { destinationOf, isAddressedTo } from './destination.js';
import { DocumentSealer } from './document-sealer.js';
import type { ReadJob, UnreadableJob } from './job-reader.js';
import { NotificationSource } from './notification-source.js';

/** A job after whatever database work its attempt needs. */
export type Prepared =
  | { readonly kind: 'ready'; readonly callback: Callback }
  /** Its callback API was deleted. */
  | { readonly kind: 'cancelled'; readonly identity: Partial<Callback> }
  /** Its callback API is switched off. */
  | { readonly kind: 'disabled'; readonly identity: Partial<Callback> }
  | UnreadableJob;

/**
 * The database work of an attempt, all of it: it comes first, on a connection that is back in the pool
 * before the request starts (R11).
 */
@Injectable()
export class Preparation {
  constructor(
    @Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly callbackApis: CallbackApiRepository,
    private readonly types: CallbackTypeRegistry,
    private readonly sealer: DocumentSealer,
    private readonly disabled: DisabledEndpoints,
    private readonly turns: DatabaseTurns,
    @Optional() private readonly notifications?: NotificationSource,
  ) {}

  /**
   * Needs the database only for what an older release wrote (R9, R10), and where the endpoint is said to be
   * disabled: a dead letter needs it anyway, and the endpoint may have been enabled since. @throws when
   * that cannot be read now.
   */
  async forFirstAttempt(job: ReadJob): Promise<Prepared> {
    switch (job.kind) {
      case 'callback':
        return this.disabled.has(job.callback.callbackApiId)
          ? this.forRetry(job)
          : { kind: 'ready', callback: job.callback };
      case 'unreadable':
        return job;
      case 'incomplete':
        return this.onConnection((manager) => this.complete(job.callback, manager));
      case 'legacy':
        return this.onConnection((manager) => this.completeLegacy(job, manager));
    }
  }

  /**
   * Before a later attempt the callback API is read again: a rotated token or secret or a moved URL is used,
   * a deleted one ends the retries.
   */
  async forRetry(job: ReadJob): Promise<Prepared> {
    if (job.kind !== 'callback') return this.forFirstAttempt(job);
    return this.onConnection((manager) => this.refresh(job.callback, manager));
  }

  private async refresh(callback: Callback, manager: EntityManager): Promise<Prepared> {
    const target = await this.callbackApis.findTarget(callback.serviceId, callback.callbackType, manager);
    if (!target) return { kind: 'cancelled', identity: callback };
    if (target.isDisabled) return { kind: 'disabled', identity: callback };
    const destination = destinationOf(target);
    if (isAddressedTo(callback.document, destination)) return { kind: 'ready', callback };
    return {
      kind: 'ready',
      callback: this.sealer.reseal(
        { ...callback, callbackApiId: target.callbackApiId },
        { ...callback.document, ...destination },
      ),
    };
  }

  private async complete(callback: Callback, manager: EntityManager): Promise<Prepared> {
    const found = await this.findNotification(callback.subjectId, manager);
    if (typeof found === 'string') return { kind: 'unreadable', detail: found, identity: callback };
    const payload = { ...deliveryStatus.payload(found), ...callback.document.payload };
    return { kind: 'ready', callback: this.sealer.reseal(callback, { ...callback.document, payload }) };
  }

  private async completeLegacy(
    job: Extract<ReadJob, { kind: 'legacy' }>,
    manager: EntityManager,
  ): Promise<Prepared> {
    const known = { serviceId: job.serviceId, callbackType: job.callbackType, subjectId: job.notificationId };
    const unreadable = (detail: string): Prepared => ({
      kind: 'unreadable',
      detail,
      identity: { ...known, queuedAt: job.queuedAt },
    });
    if (job.callbackType !== deliveryStatus.type) {
      const problem = this.types.has(job.callbackType)
        ? 'cannot be completed from a notification'
        : 'is not known';
      return unreadable(`the callback type ${job.callbackType} ${problem}`);
    }
    const notification = await this.findNotification(job.notificationId, manager);
    if (typeof notification === 'string') return unreadable(notification);
    if (notification.serviceId !== job.serviceId) return unreadable('the notification is of another service');
    const notNews = deliveryStatus.skip?.(notification);
    if (notNews) return unreadable(`the notification is no news: ${notNews}`);

    const id = callbackId({ ...deliveryStatus.identify(notification), type: job.callbackType });
    const identity = {
      ...known,
      id,
      queuedAt: job.queuedAt,
      generation: 0,
      generationStart: 0,
      attempts: [],
    };
    const target = await this.callbackApis.findTarget(job.serviceId, job.callbackType, manager);
    if (!target) return { kind: 'cancelled', identity };
    const document: CallbackDocument = {
      v: 1,
      ...destinationOf(target),
      payload: deliveryStatus.payload(notification),
    };
    const { callbackApiId } = target;
    const callback = this.sealer.reseal({ ...identity, callbackApiId, document, sealed: '' }, document);
    return target.isDisabled ? { kind: 'disabled', identity: callback } : { kind: 'ready', callback };
  }

  /** The notification, or in words why there is none. */
  private async findNotification(id: string, manager: EntityManager) {
    if (!this.notifications) return 'no NotificationSource is provided to complete the job from';
    return (await this.notifications.findNotification(id, manager)) ?? 'the notification does not exist';
  }

  private onConnection<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.turns.pass(async () => {
      const queryRunner = this.dataSource.createQueryRunner();
      try {
        return await work(queryRunner.manager);
      } finally {
        await queryRunner.release();
      }
    });
  }
}
