import { Module } from '@nestjs/common';
import { NotificationsController } from './notifications.controller.js';
import { NotificationsDataModule } from './notifications-data.module.js';
import { Clock } from '../service-callbacks/clock.js';
import { NotificationsService } from './notifications.service.js';

@Module({
  imports: [NotificationsDataModule],
  controllers: [NotificationsController],
  providers: [NotificationsService, Clock],
})
export class NotificationsModule {}
