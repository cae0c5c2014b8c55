import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import { inTransaction } from '../database/conflicts.js';
import { rows } from '../database/rows.js';
import {
  FINAL_STATUSES,
  type NotificationStatus,
} from '../service-callbacks/callback-types/notification-status.js';
import type { NotificationEntity } from './notification.entity.js';

export type NewNotification = Omit<NotificationEntity, 'id' | 'sentBy' | 'createdAt' | 'updatedAt'>;

const COLUMNS = `id, service_id AS "serviceId", notification_type AS "notificationType", "to",
  template_id AS "templateId", template_version AS "templateVersion", reference, status, sent_by AS "sentBy",
  sent_at AS "sentAt", created_at AS "createdAt", updated_at AS "updatedAt"`;
const TIMES = ['sentAt', 'createdAt', 'updatedAt'] as const;

@Injectable()
export class NotificationDao {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** A transaction: everything that `work` does with its manager commits together. It runs again after a conflict. */
  transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return inTransaction(this.dataSource, work);
  }

  async create(notification: NewNotification, now: Date): Promise<NotificationEntity> {
    const entity: NotificationEntity = {
      ...notification,
      id: randomUUID(),
      sentBy: null,
      createdAt: now,
      updatedAt: null,
    };
    await rows(
      this.dataSource,
      `INSERT INTO notifications
         (id, service_id, notification_type, "to", template_id, template_version, reference, status, sent_at, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id`,
      [
        entity.id,
        entity.serviceId,
        entity.notificationType,
        entity.to,
        entity.templateId,
        entity.templateVersion,
        entity.reference,
        entity.status,
        entity.sentAt,
        entity.createdAt,
      ],
    );
    return entity;
  }

  async findById(
    id: string,
    connection: DataSource | EntityManager = this.dataSource,
  ): Promise<NotificationEntity | null> {
    const statement = `SELECT ${COLUMNS} FROM notifications WHERE id = $1`;
    const [found] = await rows<NotificationEntity>(connection, statement, [id], TIMES);
    return found ?? null;
  }

  /**
   * Newest first.
   * @param serviceId undefined: all services
   */
  async idsByReference(
    reference: string,
    serviceId: string | undefined,
    limit: number,
  ): Promise<readonly string[]> {
    const found = await rows<{ id: string }>(
      this.dataSource,
      `SELECT id FROM notifications WHERE reference = $1 AND ($2::text IS NULL OR service_id = $2)
       ORDER BY created_at DESC LIMIT $3`,
      [reference, serviceId ?? null, limit],
    );
    return found.map(({ id }) => id);
  }

  async belongsTo(id: string, serviceId: string, manager: EntityManager): Promise<boolean> {
    const statement = 'SELECT id FROM notifications WHERE id = $1 AND service_id = $2';
    return (await rows(manager, statement, [id, serviceId])).length > 0;
  }

  /**
   * One statement with its guard in the `WHERE`: of two receipts at the same moment, only one changes the row. A final
   * status stays, and the same status again is no change. `sentBy` never overwrites an existing value.
   * @returns the notification after the change; null if nothing was changed
   */
  async updateStatusById(
    id: string,
    status: NotificationStatus,
    { sentBy, now, manager }: UpdateStatusOptions,
  ): Promise<NotificationEntity | null> {
    const [updated] = await rows<NotificationEntity>(
      manager ?? this.dataSource,
      `UPDATE notifications SET status = $2, updated_at = $3, sent_by = coalesce(sent_by, $4)
       WHERE id = $1 AND status <> $2 AND status <> ALL ($5) RETURNING ${COLUMNS}`,
      [id, status, now, sentBy ?? null, [...FINAL_STATUSES]],
      TIMES,
    );
    return updated ?? null;
  }
}

export interface UpdateStatusOptions {
  readonly sentBy?: string;
  readonly now: Date;
  readonly manager?: EntityManager;
}
