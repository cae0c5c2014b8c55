import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { DeliveryStatusInput } from '../service-callbacks/callback-types/delivery-status.js';
import { NotificationSource } from '../service-callbacks/legacy-jobs/notification-source.js';
import { NotificationDao } from './notification.dao.js';

/** Completes jobs of an older release from this service's own notifications. */
@Injectable()
export class NotificationLookup extends NotificationSource {
  constructor(private readonly dao: NotificationDao) {
    super();
  }

  findNotification(id: string, manager: EntityManager): Promise<DeliveryStatusInput | null> {
    return this.dao.findById(id, manager);
  }
}
