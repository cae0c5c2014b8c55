import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AttemptRecord, GiveUpReason } from './callback.js';
import type { CallbackState } from './state-machine.js';

/**
 * The record of a callback, from its enqueue in the caller's transaction to the end of its retention. The migrations
 * own its indexes and checks; `StateMachine` owns its changes.
 */
@Entity('service_callbacks', { synchronize: false })
export class CallbackEntity {
  @PrimaryColumn('uuid')
  id!: string;

  /** Order of arrival in the state `pending`. */
  @Column('bigint')
  seq!: string;

  @Column('text', { name: 'service_id', nullable: true })
  serviceId!: string | null;

  @Column('uuid', { name: 'endpoint_id', nullable: true })
  endpointId!: string | null;

  @Column('text', { name: 'callback_type' })
  callbackType!: string;

  @Column('text', { name: 'subject_id', nullable: true })
  subjectId!: string | null;

  /** The URL of its last or next attempt. */
  @Column('text', { nullable: true })
  url!: string | null;

  @Column('text')
  state!: CallbackState;

  @Column('text', { nullable: true })
  reason!: GiveUpReason | null;

  /** What is wrong, in words. Never bytes from a server or a payload. */
  @Column('text', { nullable: true })
  detail!: string | null;

  @Column('integer')
  generation!: number;

  @Column('jsonb')
  attempts!: readonly AttemptRecord[];
}
