import { Column, Entity, PrimaryColumn, Unique } from 'typeorm';
import type { DisabledReason } from '../events/endpoint-change.js';

/**
 * An endpoint: where a service wants its callbacks of one type. One for each (service, type), enforced by the database.
 */
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

  /** Encrypted. The row's id is the associated data: in another row, it does not decrypt. */
  @Column('text', { name: 'bearer_token' })
  encryptedBearerToken!: string;

  /** Encrypted like the token. Null for a row from before signing, until its secret is rotated. */
  @Column('text', { name: 'signing_secret', nullable: true })
  encryptedSigningSecret!: string | null;

  /** The secret before the last rotation. Requests are also signed with it until `previousSecretUntil`. */
  @Column('text', { name: 'previous_signing_secret', nullable: true })
  encryptedPreviousSecret!: string | null;

  @Column('timestamptz', { name: 'previous_signing_secret_until', nullable: true })
  previousSecretUntil!: Date | null;

  /** Who changed it last; null if the code did not say. */
  @Column('text', { name: 'updated_by_id', nullable: true })
  updatedById!: string | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'updated_at', nullable: true })
  updatedAt!: Date | null;

  /** While set, the endpoint gets no attempts, and its callbacks become dead letters with the reason `disabled`. */
  @Column('timestamptz', { name: 'disabled_at', nullable: true })
  disabledAt!: Date | null;

  @Column('text', { name: 'disabled_reason', nullable: true })
  disabledReason!: DisabledReason | null;
}

/** Associated data of the token's column: in another row, the ciphertext does not decrypt. */
export function bearerTokenBinding(id: string): string {
  return `callback-api:${id}:bearer-token`;
}

/** Associated data of both secret columns: a rotation moves the ciphertext from one to the other unchanged. */
export function signingSecretBinding(id: string): string {
  return `callback-api:${id}:signing-secret`;
}
