import { Module } from '@nestjs/common';
import { NotificationDao } from './notification.dao.js';
import { NotificationLookup } from './notification-lookup.js';

/** The rows alone: what service callbacks may look up, without what sends callbacks. */
@Module({ providers: [NotificationDao, NotificationLookup], exports: [NotificationDao, NotificationLookup] })
export class NotificationsDataModule {}
