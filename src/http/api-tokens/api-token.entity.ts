import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ApiScope } from './api-token.js';

/** A token of the REST API, created with `service-callbacks token add`. */
@Entity('service_callback_api_tokens')
export class ApiTokenEntity {
  @PrimaryColumn('uuid')
  id!: string;

  /** The name of its owner, for people who read the list. */
  @Column('text')
  name!: string;

  /** SHA-256 in hex. The token itself is shown once and never stored. */
  @Column('text', { name: 'token_hash', unique: true })
  tokenHash!: string;

  @Column('text', { array: true })
  scopes!: ApiScope[];

  /** The only service it may access; null: all services. */
  @Column('text', { name: 'service_id', nullable: true })
  serviceId!: string | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  /** From this time on the token is invalid. The row stays, so that its uses can be explained. */
  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt!: Date | null;
}
