import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** The id of a callback whose effects are committed. */
@Entity('received_callbacks')
export class ReceivedCallbackEntity {
  /** `webhook-id`. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'received_callbacks_pkey' })
  id!: string;

  @Index('received_callbacks_received_at')
  @Column('timestamptz', { name: 'received_at', default: () => 'now()' })
  receivedAt!: Date;
}

/** The entities for a receiver's `DataSource`, beside `receivedCallbackMigrations`. */
export const receivedCallbackEntities = [ReceivedCallbackEntity] as const;
