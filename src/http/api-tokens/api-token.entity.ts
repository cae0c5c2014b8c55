import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ApiScope } from './api-token.js';

/** A token of the REST API, made with `npm run api-token`. */
@Entity('service_callback_api_tokens')
export class ApiTokenEntity {
  @PrimaryColumn('uuid')
  id!: string;

  /** The name of its owner, for people who read the list. */
  @Column('text')
  name!: string;

  /** SHA-256 in hex: the token itself is shown once and kept nowhere. */
  @Column('text', { name: 'token_hash', unique: true })
  tokenHash!: string;

  @Column('text', { array: true })
  scopes!: ApiScope[];

  /** The only service it may see; null: all. */
  @Column('text', { name: 'service_id', nullable: true })
  serviceId!: string | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  /** From then on it opens nothing; the row stays, so that its uses can be explained. */
  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt!: Date | null;
}
