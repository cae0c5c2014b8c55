import { randomUUID } from 'node:crypto';
import { IsNull, type DataSource } from 'typeorm';
import type { ApiScope } from './api-token.js';
import { ApiTokenEntity } from './api-token.entity.js';

export interface NewApiToken {
  readonly name: string;
  readonly digest: string;
  readonly scopes: readonly ApiScope[];
  readonly serviceId?: string;
}

/** The tokens that are kept in the database, by their hashes. */
export class ApiTokenRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** One that has not been revoked. */
  findByDigest(digest: string): Promise<ApiTokenEntity | null> {
    return this.dataSource.manager.findOneBy(ApiTokenEntity, { tokenHash: digest, revokedAt: IsNull() });
  }

  list(): Promise<ApiTokenEntity[]> {
    return this.dataSource.manager.find(ApiTokenEntity, { order: { createdAt: 'ASC', id: 'ASC' } });
  }

  async add({ name, digest, scopes, serviceId }: NewApiToken): Promise<ApiTokenEntity> {
    const entity: ApiTokenEntity = {
      id: randomUUID(),
      name,
      tokenHash: digest,
      scopes: [...scopes],
      serviceId: serviceId ?? null,
      createdAt: new Date(),
      revokedAt: null,
    };
    await this.dataSource.manager.insert(ApiTokenEntity, entity);
    return entity;
  }

  /** @returns whether there was one that was still good. */
  async revoke(id: string): Promise<boolean> {
    const { affected } = await this.dataSource.manager.update(
      ApiTokenEntity,
      { id, revokedAt: IsNull() },
      { revokedAt: new Date() },
    );
    return Boolean(affected);
  }
}
