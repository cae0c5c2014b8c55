import type { EntityManager } from 'typeorm';
import type { DeliveryStatusInput } from '../callback-types/delivery-status.js';

/** The port through which a job of an old shape is completed: the host knows its notifications, the module does not. */
export abstract class NotificationSource {
  /** @param manager its connection is released before the request: use it, and keep nothing that holds it */
  abstract findNotification(id: string, manager: EntityManager): Promise<DeliveryStatusInput | null>;
}
