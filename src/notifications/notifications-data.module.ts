import { Module } from '@nestjs/common';
import { NotificationDao } from './notification.dao.js';
import { NotificationLookup } from './notification-lookup.js';

/** Only the rows, without what sends callbacks: service callbacks may look notifications up. */
@Module({ providers: [NotificationDao, NotificationLookup], exports: [NotificationDao, NotificationLookup] })
export class NotificationsDataModule {}
