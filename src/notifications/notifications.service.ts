import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { deliveryStatus } from '../service-callbacks/callback-types/delivery-status.js';
import {
  isFinalStatus,
  type NotificationStatus,
} from '../service-callbacks/callback-types/notification-status.js';
import { CallbackLogReader } from '../service-callbacks/history/callback-log.reader.js';
import { Clock } from '../service-callbacks/clock.js';
import {
  ServiceCallbacksProducer,
  type SendResult,
} from '../service-callbacks/producer/service-callbacks-producer.js';
import { inSpan } from '../service-callbacks/tracing/tracing.js';
import { NotificationDao, type NewNotification } from './notification.dao.js';
import type { NotificationEntity } from './notification.entity.js';

/** What a receipt did. */
export type CallbackDecision =
  | SendResult
  | { readonly queued: false; readonly reason: 'already_final' }
  /** The notification has the status that it reports; `id` is of the callback that has it, where there is one. */
  | { readonly queued: false; readonly reason: 'unchanged'; readonly id?: string };

export interface Receipt {
  readonly status: NotificationStatus;
  /** The provider. */
  readonly sentBy?: string;
  /** The notification must belong to this service; otherwise it is unknown. */
  readonly serviceId?: string;
}

export interface ReceiptResult {
  readonly notification: NotificationEntity;
  readonly callback: CallbackDecision;
}

@Injectable()
export class NotificationsService {
  constructor(
    private readonly dao: NotificationDao,
    private readonly callbacks: ServiceCallbacksProducer,
    private readonly log: CallbackLogReader,
    private readonly clock: Clock,
  ) {}

  create(notification: NewNotification): Promise<NotificationEntity> {
    return this.dao.create(notification, new Date(this.clock.now()));
  }

  /**
   * The status and its callback commit together.
   * @returns null for an unknown notification
   */
  receive(id: string, receipt: Receipt): Promise<ReceiptResult | null> {
    return inSpan('receipt', { attributes: { 'service_callbacks.notification_id': id } }, async () => {
      const result = await this.store(id, receipt);
      if (result === null || result.callback.queued || result.callback.reason !== 'unchanged') return result;
      const earlier = await this.callbackOf(result.notification);
      return { ...result, callback: { ...result.callback, ...(earlier && { id: earlier.id }) } };
    });
  }

  private store(id: string, receipt: Receipt): Promise<ReceiptResult | null> {
    return this.dao.transaction(async (manager) => {
      const { status, sentBy, serviceId } = receipt;
      if (serviceId !== undefined && !(await this.dao.belongsTo(id, serviceId, manager))) return null;
      const now = new Date(this.clock.now());
      const notification = await this.dao.updateStatusById(id, status, { sentBy, now, manager });
      if (!notification) return this.describeUnchanged(id, manager);
      return { notification, callback: await this.callbacks.sendDeliveryStatus(notification, { manager }) };
    });
  }

  /** The last one of its status. */
  private async callbackOf({ serviceId, id: subjectId }: NotificationEntity) {
    const { callbacks } = await this.log.list({ serviceId }, { subjectId });
    return callbacks.find(({ callbackType }) => callbackType === deliveryStatus.type);
  }

  private async describeUnchanged(id: string, manager: EntityManager): Promise<ReceiptResult | null> {
    const notification = await this.dao.findById(id, manager);
    if (!notification) return null;
    const skipped = deliveryStatus.skip?.(notification) ?? 'unchanged';
    const reason = isFinalStatus(notification.status) ? 'already_final' : skipped;
    return { notification, callback: { queued: false, reason } };
  }
}
