import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { QueryFailedError, type DataSource, type EntityManager } from 'typeorm';
import { Clock } from '../clock.js';
import { PayloadCipher } from '../security/payload-cipher.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { CallbackApiEntity } from './callback-api.entity.js';
import { bearerTokenBinding, signingSecretBinding } from './callback-api-secrets.js';
import { CallbackApiExistsError } from './callback-api-exists.error.js';

/** A callback API as an attempt needs it. */
export interface CallbackTarget {
  readonly callbackApiId: string;
  readonly url: string;
  readonly bearerToken: string;
  /** `whsec_…`, the one in use first; none for a row from before signing. */
  readonly signingSecrets: readonly string[];
  /** Switched off: nothing is attempted. */
  readonly isDisabled: boolean;
}

/** A callback API as it is shown: its token and its secrets never are. */
export type CallbackApi = Readonly<
  Omit<CallbackApiEntity, 'encryptedBearerToken' | 'encryptedSigningSecret' | 'encryptedPreviousSecret'>
>;

export interface NewCallbackApi {
  readonly serviceId: string;
  readonly callbackType: string;
  readonly url: string;
  readonly bearerToken: string;
  readonly signingSecret: string;
  readonly updatedById: string;
}

export interface CallbackApiChange {
  readonly url?: string;
  readonly bearerToken?: string;
  readonly updatedById: string;
}

/** By hand: before every enqueue and every retry, where TypeORM's query builder costs more than the query. */
const findTargetIn = (table: string) => `
  SELECT id, url, bearer_token AS "encryptedBearerToken", disabled_at IS NOT NULL AS "isDisabled",
    array_remove(ARRAY[
      signing_secret, CASE WHEN previous_signing_secret_until > $3::timestamptz THEN previous_signing_secret END
    ], NULL) AS "encryptedSigningSecrets"
  FROM ${table} WHERE service_id = $1 AND callback_type = $2`;

interface TargetRow {
  readonly id: string;
  readonly url: string;
  readonly encryptedBearerToken: string;
  readonly isDisabled: boolean;
  /** What requests are signed with at this moment, the secret in use first; none: not signed. */
  readonly encryptedSigningSecrets: readonly string[];
}

const UNIQUE_VIOLATION = '23505';

@Injectable()
export class CallbackApiRepository {
  /** Made once: each enqueue and each retry asks it. */
  private findTargetQuery: string | undefined;

  constructor(
    @Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly cipher: PayloadCipher,
    private readonly clock: Clock,
  ) {}

  /** Where the service wants callbacks of this type; null: nowhere (R1). */
  async findTarget(
    serviceId: string,
    callbackType: string,
    manager?: EntityManager,
  ): Promise<CallbackTarget | null> {
    // On the caller's connection, where there is one.
    const [row] = await this.dataSource.query<TargetRow[]>(
      (this.findTargetQuery ??= findTargetIn(this.table)),
      [serviceId, callbackType, new Date(this.clock.now())],
      manager?.queryRunner,
    );
    if (!row) return null;
    const { id, url, encryptedBearerToken, encryptedSigningSecrets, isDisabled } = row;
    return {
      callbackApiId: id,
      url,
      bearerToken: this.cipher.decrypt(encryptedBearerToken, bearerTokenBinding(id)),
      signingSecrets: encryptedSigningSecrets.map((secret) =>
        this.cipher.decrypt(secret, signingSecretBinding(id)),
      ),
      isDisabled,
    };
  }

  async list(serviceId: string): Promise<CallbackApi[]> {
    const entities = await this.dataSource.manager.find(CallbackApiEntity, {
      where: { serviceId },
      order: { createdAt: 'ASC', id: 'ASC' },
    });
    return entities.map(withoutSecrets);
  }

  async find(serviceId: string, id: string): Promise<CallbackApi | null> {
    const entity = await this.dataSource.manager.findOneBy(CallbackApiEntity, { serviceId, id });
    return entity && withoutSecrets(entity);
  }

  /** @throws CallbackApiExistsError where the service has one of that type. */
  async create(api: NewCallbackApi): Promise<CallbackApi> {
    const id = randomUUID();
    const entity: CallbackApiEntity = {
      id,
      serviceId: api.serviceId,
      callbackType: api.callbackType,
      url: api.url,
      encryptedBearerToken: this.cipher.encrypt(api.bearerToken, bearerTokenBinding(id)),
      encryptedSigningSecret: this.cipher.encrypt(api.signingSecret, signingSecretBinding(id)),
      encryptedPreviousSecret: null,
      previousSecretUntil: null,
      updatedById: api.updatedById,
      createdAt: new Date(this.clock.now()),
      updatedAt: null,
      disabledAt: null,
      disabledReason: null,
    };
    try {
      await this.dataSource.manager.insert(CallbackApiEntity, entity);
    } catch (error) {
      if (isUniqueViolation(error)) throw new CallbackApiExistsError(api.serviceId, api.callbackType);
      throw error;
    }
    return withoutSecrets(entity);
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
          encryptedBearerToken: this.cipher.encrypt(change.bearerToken, bearerTokenBinding(id)),
        }),
      },
    );
    return affected ? this.find(serviceId, id) : null;
  }

  /** The secret in use becomes the previous one, in one statement: of two rotations at once both count. */
  async rotateSigningSecret(
    serviceId: string,
    id: string,
    { secret, previousUntil }: { readonly secret: string; readonly previousUntil: Date },
  ): Promise<CallbackApi | null> {
    const { affected } = await this.dataSource.manager.update(
      CallbackApiEntity,
      { serviceId, id },
      {
        encryptedPreviousSecret: () => 'signing_secret',
        previousSecretUntil: previousUntil,
        encryptedSigningSecret: this.cipher.encrypt(secret, signingSecretBinding(id)),
        updatedAt: new Date(this.clock.now()),
      },
    );
    return affected ? this.find(serviceId, id) : null;
  }

  /** @returns whether there was one. */
  async remove(serviceId: string, id: string): Promise<boolean> {
    const { affected } = await this.dataSource.manager.delete(CallbackApiEntity, { serviceId, id });
    return Boolean(affected);
  }

  /** With its schema, where the module's `DataSource` has one: a caller's connection may look elsewhere. */
  private get table(): string {
    const { tablePath } = this.dataSource.getMetadata(CallbackApiEntity);
    return tablePath
      .split('.')
      .map((name) => this.dataSource.driver.escape(name))
      .join('.');
  }
}

function withoutSecrets({
  encryptedBearerToken: _token,
  encryptedSigningSecret: _secret,
  encryptedPreviousSecret: _previous,
  ...api
}: CallbackApiEntity): CallbackApi {
  return api;
}

function isUniqueViolation(error: unknown): boolean {
  return (
    error instanceof QueryFailedError && (error.driverError as { code?: string }).code === UNIQUE_VIOLATION
  );
}
