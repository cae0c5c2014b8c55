import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { NotificationStatus } from '../service-callbacks/callback-types/notification-status.js';

export type NotificationType = 'email' | 'sms' | 'letter';

@Entity('notifications')
export class NotificationEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text', { name: 'service_id' })
  serviceId!: string;

  @Column('text', { name: 'notification_type' })
  notificationType!: NotificationType;

  /** The recipient. */
  @Column('text')
  to!: string;

  @Column('uuid', { name: 'template_id' })
  templateId!: string;

  @Column('integer', { name: 'template_version' })
  templateVersion!: number;

  @Column('text', { nullable: true })
  reference!: string | null;

  @Column('text')
  status!: NotificationStatus;

  /** The provider that sent it: the first one that a receipt names. */
  @Column('text', { name: 'sent_by', nullable: true })
  sentBy!: string | null;

  @Column('timestamptz', { name: 'sent_at', nullable: true })
  sentAt!: Date | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'updated_at', nullable: true })
  updatedAt!: Date | null;
}
