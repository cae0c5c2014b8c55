import { ApiTokenEntity } from './http/api-tokens/api-token.entity.js';
import { NotificationEntity } from './notifications/notification.entity.js';
import { serviceCallbackEntities } from './service-callbacks/entities.js';

/** Every entity of the service. */
export const serviceEntities = [NotificationEntity, ApiTokenEntity, ...serviceCallbackEntities] as const;
