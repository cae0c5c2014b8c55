import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Dead letters that were asked to be replayed together. */
@Entity('service_callback_replays')
export class ReplayRunEntity {
  @PrimaryColumn('uuid')
  id!: string;

  /** Whose dead letters; null: of any service, asked for by an operator. */
  @Column('text', { name: 'service_id', nullable: true })
  serviceId!: string | null;

  @Column('integer')
  total!: number;

  /** On their way again. */
  @Column('integer', { default: 0 })
  queued!: number;

  /** Could not be replayed: each dead letter says why. */
  @Column('integer', { default: 0 })
  refused!: number;

  @Column('timestamptz', { name: 'requested_at' })
  requestedAt!: Date;

  /** When the last of them was queued or refused. */
  @Column('timestamptz', { name: 'advanced_at', nullable: true })
  advancedAt!: Date | null;

  @Column('timestamptz', { name: 'stopped_at', nullable: true })
  stoppedAt!: Date | null;
}
