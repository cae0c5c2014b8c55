import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager } from 'typeorm';
import {
  FINAL_STATUSES,
  type NotificationStatus,
} from '../service-callbacks/callback-types/notification-status.js';
import { NotificationEntity } from './notification.entity.js';

export type NewNotification = Omit<NotificationEntity, 'id' | 'sentBy' | 'createdAt' | 'updatedAt'>;

@Injectable()
export class NotificationDao {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** What `work` does with its manager commits together or not at all. */
  transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.dataSource.transaction(work);
  }

  async create(notification: NewNotification, now: Date): Promise<NotificationEntity> {
    const entity: NotificationEntity = {
      ...notification,
      id: randomUUID(),
      sentBy: null,
      createdAt: now,
      updatedAt: null,
    };
    await this.dataSource.manager.insert(NotificationEntity, entity);
    return entity;
  }

  findById(id: string, manager: EntityManager = this.dataSource.manager): Promise<NotificationEntity | null> {
    return manager.findOneBy(NotificationEntity, { id });
  }

  belongsTo(id: string, serviceId: string, manager: EntityManager): Promise<boolean> {
    return manager.existsBy(NotificationEntity, { id, serviceId });
  }

  /**
   * One statement, its guard in the WHERE (R4): of two receipts at the same moment one finds the row as it
   * was. `sentBy` never overwrites one that is there. A final status stays; the same status again is no
   * change.
   * @returns the notification as it is now; null where nothing was changed.
   */
  async updateStatusById(
    id: string,
    status: NotificationStatus,
    { sentBy, now, manager = this.dataSource.manager }: UpdateStatusOptions,
  ): Promise<NotificationEntity | null> {
    const result = await manager
      .createQueryBuilder()
      .update(NotificationEntity)
      .set({ status, updatedAt: now, sentBy: () => 'COALESCE(sent_by, :sentBy)' })
      .where('id = :id AND status <> :status AND status NOT IN (:...final)')
      .setParameters({ id, status, sentBy: sentBy ?? null, final: [...FINAL_STATUSES] })
      .returning('*')
      .execute();
    const [row] = result.raw as NotificationRow[];
    return row ? fromRow(row) : null;
  }
}

export interface UpdateStatusOptions {
  readonly sentBy?: string;
  readonly now: Date;
  readonly manager?: EntityManager;
}

/** What `RETURNING *` answers: the columns by their own names. */
interface NotificationRow {
  readonly id: string;
  readonly service_id: string;
  readonly notification_type: NotificationEntity['notificationType'];
  readonly to: string;
  readonly template_id: string;
  readonly template_version: number;
  readonly reference: string | null;
  readonly status: NotificationStatus;
  readonly sent_by: string | null;
  readonly sent_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date | null;
}

function fromRow(row: NotificationRow): NotificationEntity {
  return {
    id: row.id,
    serviceId: row.service_id,
    notificationType: row.notification_type,
    to: row.to,
    templateId: row.template_id,
    templateVersion: row.template_version,
    reference: row.reference,
    status: row.status,
    sentBy: row.sent_by,
    sentAt: row.sent_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
