import { Controller, NotFoundException, Post, UseFilters } from '@nestjs/common';
import { HttpErrorFilter } from '../http/http-error.filter.js';
import { serviceIdParam } from '../http/ids.js';
import { Operation, OperationsOf } from '../http/operation.decorator.js';
import { RequiresScope, ChecksService, ServiceScope } from '../http/access.decorators.js';
import { dataOf } from '../http/response-body.js';
import { ValidBody, ValidParam } from '../http/valid-input.js';
import type { z } from 'zod';
import type { NotificationEntity } from './notification.entity.js';
import { NotificationsService } from './notifications.service.js';
import {
  createNotificationBody,
  notificationId,
  notificationView,
  receiptBody,
  receiptView,
  type CreateNotificationBody,
  type ReceiptBody,
} from './notifications.schemas.js';

/** The notifications of a small host, so that the whole path runs as a service. */
@Controller()
@UseFilters(HttpErrorFilter)
@OperationsOf('Notifications')
export class NotificationsController {
  constructor(private readonly notifications: NotificationsService) {}

  @Post('service/:service_id/notifications')
  @RequiresScope('receipts:write')
  @Operation({
    summary: 'Store a notification',
    description: 'It sends no callback; its receipts do.',
    status: 201,
    response: dataOf(notificationView),
  })
  async create(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidBody(createNotificationBody) body: CreateNotificationBody,
  ) {
    const notification = await this.notifications.create({
      serviceId,
      notificationType: body.notification_type,
      to: body.to,
      templateId: body.template_id,
      templateVersion: body.template_version,
      reference: body.reference ?? null,
      status: body.status ?? 'created',
      sentAt: body.sent_at ? new Date(body.sent_at) : null,
    });
    return { data: view(notification) };
  }

  @Post('notifications/:id/receipts')
  @RequiresScope('receipts:write')
  @ChecksService()
  @Operation({
    summary: 'Receive a delivery receipt',
    description:
      'A provider reports the status of a notification. The response says whether a callback was queued, and why not. ' +
      '`created`, `sending` and `pending` send no callback; `sent` sends one, and so does the final status after it.',
    status: 200,
    response: dataOf(receiptView),
    errors: { 404: 'There is no such notification' },
  })
  async receive(
    @ValidParam('id', notificationId) id: string,
    @ValidBody(receiptBody) body: ReceiptBody,
    @ServiceScope() serviceId: string | undefined,
  ) {
    const result = await this.notifications.receive(id, {
      status: body.status,
      ...(body.sent_by && { sentBy: body.sent_by }),
      ...(serviceId !== undefined && { serviceId }),
    });
    if (!result) throw new NotFoundException(`There is no notification ${id}`);
    return { data: { notification: view(result.notification), callback: result.callback } };
  }
}

function view(notification: NotificationEntity): z.infer<typeof notificationView> {
  return {
    id: notification.id,
    service_id: notification.serviceId,
    notification_type: notification.notificationType,
    to: notification.to,
    template_id: notification.templateId,
    template_version: notification.templateVersion,
    reference: notification.reference,
    status: notification.status,
    sent_by: notification.sentBy,
    sent_at: notification.sentAt?.toISOString() ?? null,
    created_at: notification.createdAt.toISOString(),
    updated_at: notification.updatedAt?.toISOString() ?? null,
  };
}
