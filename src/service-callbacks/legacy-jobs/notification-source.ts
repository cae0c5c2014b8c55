import type { EntityManager } from 'typeorm';
import type { DeliveryStatusInput } from '../callback-types/delivery-status.js';

/**
 * The port through which a job of an old shape is completed: the host knows its notifications,
 * the module does not.
 */
export abstract class NotificationSource {
  /**
   * @param manager bound to a connection that is released before the request is made: use it,
   * and keep nothing that holds it.
   */
  abstract findNotification(id: string, manager: EntityManager): Promise<DeliveryStatusInput | null>;
}
