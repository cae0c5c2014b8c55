import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { rows } from '../../database/rows.js';
import type { ApiScope } from './api-token.js';
import type { ApiTokenEntity } from './api-token.entity.js';

export interface NewApiToken {
  readonly name: string;
  readonly digest: string;
  readonly scopes: readonly ApiScope[];
  readonly serviceId?: string;
}

const COLUMNS = `id, name, token_hash AS "tokenHash", scopes, service_id AS "serviceId",
  created_at AS "createdAt", revoked_at AS "revokedAt"`;
const TIMES = ['createdAt', 'revokedAt'] as const;

/** API tokens in the database, by their hashes. */
export class ApiTokenRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** A token that is not revoked. */
  async findByDigest(digest: string): Promise<ApiTokenEntity | null> {
    const [found] = await this.read(
      `SELECT ${COLUMNS} FROM service_callback_api_tokens WHERE token_hash = $1 AND revoked_at IS NULL`,
      [digest],
    );
    return found ?? null;
  }

  list(): Promise<ApiTokenEntity[]> {
    return this.read(`SELECT ${COLUMNS} FROM service_callback_api_tokens ORDER BY created_at, id`);
  }

  async add({ name, digest, scopes, serviceId }: NewApiToken): Promise<{ readonly id: string }> {
    const id = randomUUID();
    await this.read(
      `INSERT INTO service_callback_api_tokens (id, name, token_hash, scopes, service_id, created_at)
       VALUES ($1, $2, $3, $4, $5, $6) RETURNING ${COLUMNS}`,
      [id, name, digest, [...scopes], serviceId ?? null, new Date()],
    );
    return { id };
  }

  /** @returns whether there was such a token that was not revoked */
  async revoke(id: string): Promise<boolean> {
    const revoked = await this.read(
      `UPDATE service_callback_api_tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL
       RETURNING ${COLUMNS}`,
      [id, new Date()],
    );
    return revoked.length > 0;
  }

  private read(statement: string, parameters?: readonly unknown[]): Promise<ApiTokenEntity[]> {
    return rows<ApiTokenEntity>(this.dataSource, statement, parameters, TIMES);
  }
}
