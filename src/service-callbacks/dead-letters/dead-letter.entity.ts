import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AttemptRecord } from '../delivery/callback-job.js';

/** Every way a callback can end that is not a delivery. */
export const GIVE_UP_REASONS = [
  'not_retried',
  'retries_exhausted',
  'expired',
  'cancelled',
  'unreadable',
  'stalled',
  'disabled',
] as const;

export type GiveUpReason = (typeof GIVE_UP_REASONS)[number];

@Entity('service_callback_dead_letters')
export class DeadLetterEntity {
  /** The callback's id; for a job nobody can understand, an id derived from the job. */
  @PrimaryColumn('uuid')
  id!: string;

  /** Text, not a UUID: a job nobody can understand may claim anything. */
  @Column('text', { name: 'service_id', nullable: true })
  serviceId!: string | null;

  @Column('text', { name: 'callback_api_id', nullable: true })
  callbackApiId!: string | null;

  @Column('text', { name: 'callback_type' })
  callbackType!: string;

  @Column('text', { name: 'subject_id', nullable: true })
  subjectId!: string | null;

  @Column('text', { nullable: true })
  url!: string | null;

  @Column('text')
  reason!: GiveUpReason;

  /** For `unreadable`: what is wrong with the job, in words. Never bytes from a server or a payload. */
  @Column('text', { nullable: true })
  detail!: string | null;

  /** The encrypted document; null where there never was one. */
  @Column('text', { nullable: true })
  document!: string | null;

  /** Which generation of the callback ended here; a replay starts the next. */
  @Column('integer')
  generation!: number;

  @Column('jsonb')
  attempts!: readonly AttemptRecord[];

  @Column('timestamptz', { name: 'queued_at' })
  queuedAt!: Date;

  @Column('timestamptz', { name: 'given_up_at' })
  givenUpAt!: Date;

  /** A replay was asked for and waits for its turn; null once it has had it. */
  @Column('timestamptz', { name: 'replay_requested_at', nullable: true })
  replayRequestedAt!: Date | null;

  /** The run that asked for it last (`ReplayRunEntity`). */
  @Column('uuid', { name: 'replay_id', nullable: true })
  replayId!: string | null;

  /** The replay was queued: the callback is on its way again. */
  @Column('timestamptz', { name: 'replayed_at', nullable: true })
  replayedAt!: Date | null;
}
