import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Finished callbacks whose replay was requested together. */
@Entity('service_callback_replays', { synchronize: false })
export class ReplayRunEntity {
  @PrimaryColumn('uuid')
  id!: string;

  /** The service whose callbacks these are; null: any service, requested by an operator. */
  @Column('text', { name: 'service_id', nullable: true })
  serviceId!: string | null;

  @Column('integer')
  total!: number;

  /** How many were queued again. */
  @Column('integer')
  queued!: number;

  /** How many could not be replayed: the detail of each callback has the reason. */
  @Column('integer')
  refused!: number;

  @Column('timestamptz', { name: 'requested_at' })
  requestedAt!: Date;

  /** When the last of them was queued or refused. */
  @Column('timestamptz', { name: 'advanced_at', nullable: true })
  advancedAt!: Date | null;

  @Column('timestamptz', { name: 'stopped_at', nullable: true })
  stoppedAt!: Date | null;
}
