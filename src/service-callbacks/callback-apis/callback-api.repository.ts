import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { QueryFailedError, type DataSource, type EntityManager } from 'typeorm';
import { Clock } from '../clock.js';
import { PayloadCipher } from '../security/payload-cipher.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { CallbackApiEntity } from './callback-api.entity.js';
import { CallbackApiExistsError } from './callback-api-exists.error.js';

/** A callback API as an attempt needs it. */
export interface CallbackTarget {
  readonly callbackApiId: string;
  readonly url: string;
  readonly bearerToken: string;
}

/** A callback API as it is shown: the token never is. */
export type CallbackApi = Readonly<Omit<CallbackApiEntity, 'encryptedBearerToken'>>;

export interface NewCallbackApi {
  readonly serviceId: string;
  readonly callbackType: string;
  readonly url: string;
  readonly bearerToken: string;
  readonly updatedById: string;
}

export interface CallbackApiChange {
  readonly url?: string;
  readonly bearerToken?: string;
  readonly updatedById: string;
}

const UNIQUE_VIOLATION = '23505';

@Injectable()
export class CallbackApiRepository {
  constructor(
    @Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly cipher: PayloadCipher,
    private readonly clock: Clock,
  ) {}

  /** Where the service wants callbacks of this type; null: nowhere (R1). */
  async findTarget(
    serviceId: string,
    callbackType: string,
    manager: EntityManager = this.dataSource.manager,
  ): Promise<CallbackTarget | null> {
    const entity = await manager.findOneBy(CallbackApiEntity, { serviceId, callbackType });
    if (!entity) return null;
    const bearerToken = this.cipher.decrypt(entity.encryptedBearerToken, tokenBinding(entity.id));
    return { callbackApiId: entity.id, url: entity.url, bearerToken };
  }

  async list(serviceId: string): Promise<CallbackApi[]> {
    const entities = await this.dataSource.manager.find(CallbackApiEntity, {
      where: { serviceId },
      order: { createdAt: 'ASC', id: 'ASC' },
    });
    return entities.map(withoutToken);
  }

  async find(serviceId: string, id: string): Promise<CallbackApi | null> {
    const entity = await this.dataSource.manager.findOneBy(CallbackApiEntity, { serviceId, id });
    return entity && withoutToken(entity);
  }

  /** @throws CallbackApiExistsError where the service has one of that type. */
  async create(api: NewCallbackApi): Promise<CallbackApi> {
    const id = randomUUID();
    const entity: CallbackApiEntity = {
      id,
      serviceId: api.serviceId,
      callbackType: api.callbackType,
      url: api.url,
      encryptedBearerToken: this.cipher.encrypt(api.bearerToken, tokenBinding(id)),
      updatedById: api.updatedById,
      createdAt: new Date(this.clock.now()),
      updatedAt: null,
    };
    try {
      await this.dataSource.manager.insert(CallbackApiEntity, entity);
    } catch (error) {
      if (isUniqueViolation(error)) throw new CallbackApiExistsError(api.serviceId, api.callbackType);
      throw error;
    }
    return withoutToken(entity);
  }

  async update(serviceId: string, id: string, change: CallbackApiChange): Promise<CallbackApi | null> {
    const { affected } = await this.dataSource.manager.update(
      CallbackApiEntity,
      { serviceId, id },
      {
        updatedById: change.updatedById,
        updatedAt: new Date(this.clock.now()),
        ...(change.url !== undefined && { url: change.url }),
        ...(change.bearerToken !== undefined && {
          encryptedBearerToken: this.cipher.encrypt(change.bearerToken, tokenBinding(id)),
        }),
      },
    );
    return affected ? this.find(serviceId, id) : null;
  }

  /** @returns whether there was one. */
  async remove(serviceId: string, id: string): Promise<boolean> {
    const { affected } = await this.dataSource.manager.delete(CallbackApiEntity, { serviceId, id });
    return Boolean(affected);
  }
}

function tokenBinding(id: string): string {
  return `callback-api:${id}:bearer-token`;
}

function withoutToken({ encryptedBearerToken: _, ...api }: CallbackApiEntity): CallbackApi {
  return api;
}

function isUniqueViolation(error: unknown): boolean {
  return (
    error instanceof QueryFailedError && (error.driverError as { code?: string }).code === UNIQUE_VIOLATION
  );
}
