import { Column, Entity, PrimaryColumn, Unique } from 'typeorm';
import type { DisabledReason } from '../events/endpoint-change.js';

/** Where a service wants its callbacks of one type. One per (service, type), enforced by the database. */
@Entity('service_callback_apis', { synchronize: false })
@Unique('service_callback_apis_one_per_type', ['serviceId', 'callbackType'])
export class CallbackApiEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text', { name: 'service_id' })
  serviceId!: string;

  @Column('text', { name: 'callback_type' })
  callbackType!: string;

  @Column('text')
  url!: string;

  /** Encrypted; the associated data is the row's id, so that a copy in another row does not decrypt. */
  @Column('text', { name: 'bearer_token' })
  encryptedBearerToken!: string;

  /** Encrypted and bound like the token; null for a row from before signing, until it is rotated. */
  @Column('text', { name: 'signing_secret', nullable: true })
  encryptedSigningSecret!: string | null;

  /** The one before the last rotation; requests are signed with it too, until `previousSecretUntil`. */
  @Column('text', { name: 'previous_signing_secret', nullable: true })
  encryptedPreviousSecret!: string | null;

  @Column('timestamptz', { name: 'previous_signing_secret_until', nullable: true })
  previousSecretUntil!: Date | null;

  /** Who changed it last; null: code that did not say. */
  @Column('text', { name: 'updated_by_id', nullable: true })
  updatedById!: string | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'updated_at', nullable: true })
  updatedAt!: Date | null;

  /** While set, callbacks are kept as dead letters `disabled` and not attempted. */
  @Column('timestamptz', { name: 'disabled_at', nullable: true })
  disabledAt!: Date | null;

  @Column('text', { name: 'disabled_reason', nullable: true })
  disabledReason!: DisabledReason | null;
}

/** Associated data of the token's column: a copy in another row does not decrypt. */
export function bearerTokenBinding(id: string): string {
  return `callback-api:${id}:bearer-token`;
}

/** Of both secret columns: a rotation moves a ciphertext from one to the other as it is. */
export function signingSecretBinding(id: string): string {
  return `callback-api:${id}:signing-secret`;
}
