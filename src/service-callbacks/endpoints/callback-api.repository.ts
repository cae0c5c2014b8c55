import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import { rows } from '../../database/rows.js';
import { tableIn } from '../../database/table-in.js';
import { Clock } from '../clock.js';
import { PayloadCipher } from '../security/payload-cipher.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { type CallbackApiEntity, bearerTokenBinding, signingSecretBinding } from './callback-api.entity.js';
import { CallbackApiExistsError } from './errors.js';

/** An endpoint as an attempt needs it. */
export interface EndpointWithSecrets {
  readonly callbackApiId: string;
  readonly url: string;
  readonly bearerToken: string;
  /** `whsec_…`, the current one first; empty for a row from before signing. */
  readonly signingSecrets: readonly string[];
  /** Disabled: it gets no attempts. */
  readonly isDisabled: boolean;
}

/** The id and URL of an endpoint. */
export interface EndpointAddress {
  readonly endpointId: string;
  readonly url: string;
}

/** An endpoint without its token and secrets, which are never shown. */
export type CallbackApi = Readonly<
  Omit<CallbackApiEntity, 'encryptedBearerToken' | 'encryptedSigningSecret' | 'encryptedPreviousSecret'>
>;

export interface NewCallbackApi {
  readonly serviceId: string;
  readonly callbackType: string;
  readonly url: string;
  readonly bearerToken: string;
  readonly signingSecret: string;
  /** Who makes the change, for example a user's id. */
  readonly updatedById?: string | undefined;
}

export interface CallbackApiChange {
  readonly url?: string;
  readonly bearerToken?: string;
  /** Who makes the change, for example a user's id. */
  readonly updatedById?: string | undefined;
}

const WITH_SECRETS = `id, url, bearer_token AS "encryptedBearerToken", disabled_at IS NOT NULL AS "isDisabled",
  array_remove(ARRAY[
    signing_secret, CASE WHEN previous_signing_secret_until > $3::timestamptz THEN previous_signing_secret END
  ], NULL) AS "encryptedSigningSecrets"`;

interface SecretsRow {
  readonly id: string;
  readonly url: string;
  readonly encryptedBearerToken: string;
  readonly isDisabled: boolean;
  /** The secrets that sign requests at this moment, the current one first; empty: requests are not signed. */
  readonly encryptedSigningSecrets: readonly string[];
}

/** A {@link CallbackApi}. */
const SHOWN = `id, service_id AS "serviceId", callback_type AS "callbackType", url,
  previous_signing_secret_until AS "previousSecretUntil", updated_by_id AS "updatedById",
  created_at AS "createdAt", updated_at AS "updatedAt", disabled_at AS "disabledAt",
  disabled_reason AS "disabledReason"`;
const TIMES = ['previousSecretUntil', 'createdAt', 'updatedAt', 'disabledAt'] as const;

const UNIQUE_VIOLATION = '23505';

@Injectable()
export class CallbackApiRepository {
  constructor(
    @Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly cipher: PayloadCipher,
    private readonly clock: Clock,
  ) {}

  /** The service's endpoint for this type; null: it has none. */
  async findWithSecrets(
    serviceId: string,
    callbackType: string,
    manager?: EntityManager,
  ): Promise<EndpointWithSecrets | null> {
    // On the caller's connection, if there is one.
    const [row] = await rows<SecretsRow>(
      manager ?? this.dataSource,
      `SELECT ${WITH_SECRETS} FROM ${this.table} WHERE service_id = $1 AND callback_type = $2`,
      [serviceId, callbackType, new Date(this.clock.now())],
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

  /** The endpoints of several services for this type, by service. Services without one are missing. */
  async findAddresses(
    serviceIds: readonly string[],
    callbackType: string,
    manager?: EntityManager,
  ): Promise<Map<string, EndpointAddress>> {
    const found = await rows<EndpointAddress & { readonly serviceId: string }>(
      manager ?? this.dataSource,
      `SELECT id AS "endpointId", service_id AS "serviceId", url FROM ${this.table}
       WHERE service_id = ANY($1::text[]) AND callback_type = $2`,
      [serviceIds, callbackType],
    );
    return new Map(found.map(({ serviceId, endpointId, url }) => [serviceId, { endpointId, url }]));
  }

  list(serviceId: string): Promise<CallbackApi[]> {
    return this.read(`SELECT ${SHOWN} FROM ${this.table} WHERE service_id = $1 ORDER BY created_at, id`, [
      serviceId,
    ]);
  }

  async find(serviceId: string, id: string): Promise<CallbackApi | null> {
    const statement = `SELECT ${SHOWN} FROM ${this.table} WHERE service_id = $1 AND id = $2`;
    return (await this.read(statement, [serviceId, id]))[0] ?? null;
  }

  /** @throws CallbackApiExistsError if the service has an endpoint of that type */
  async create(api: NewCallbackApi): Promise<CallbackApi> {
    const id = randomUUID();
    const created: CallbackApi = {
      id,
      serviceId: api.serviceId,
      callbackType: api.callbackType,
      url: api.url,
      previousSecretUntil: null,
      updatedById: api.updatedById ?? null,
      createdAt: new Date(this.clock.now()),
      updatedAt: null,
      disabledAt: null,
      disabledReason: null,
    };
    try {
      await rows(
        this.dataSource,
        `INSERT INTO ${this.table}
           (id, service_id, callback_type, url, updated_by_id, created_at, bearer_token, signing_secret)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`,
        [
          id,
          created.serviceId,
          created.callbackType,
          created.url,
          created.updatedById,
          created.createdAt,
          this.cipher.encrypt(api.bearerToken, bearerTokenBinding(id)),
          this.cipher.encrypt(api.signingSecret, signingSecretBinding(id)),
        ],
      );
    } catch (error) {
      if (isUniqueViolation(error)) throw new CallbackApiExistsError(api.serviceId, api.callbackType);
      throw error;
    }
    return created;
  }

  async update(serviceId: string, id: string, change: CallbackApiChange): Promise<CallbackApi | null> {
    const { bearerToken } = change;
    const token = bearerToken === undefined ? null : this.cipher.encrypt(bearerToken, bearerTokenBinding(id));
    const [row] = await this.read(
      `UPDATE ${this.table} SET updated_by_id = $3, updated_at = $4, url = coalesce($5, url),
         bearer_token = coalesce($6, bearer_token)
       WHERE service_id = $1 AND id = $2 RETURNING ${SHOWN}`,
      [serviceId, id, change.updatedById ?? null, new Date(this.clock.now()), change.url ?? null, token],
    );
    return row ?? null;
  }

  /** The current secret becomes the previous one, in one statement, so that two rotations at once both count. */
  async rotateSigningSecret(
    serviceId: string,
    id: string,
    { secret, previousUntil }: { readonly secret: string; readonly previousUntil: Date },
  ): Promise<CallbackApi | null> {
    const encrypted = this.cipher.encrypt(secret, signingSecretBinding(id));
    const [row] = await this.read(
      `UPDATE ${this.table} SET previous_signing_secret = signing_secret, previous_signing_secret_until = $3,
         signing_secret = $4, updated_at = $5
       WHERE service_id = $1 AND id = $2 RETURNING ${SHOWN}`,
      [serviceId, id, previousUntil, encrypted, new Date(this.clock.now())],
    );
    return row ?? null;
  }

  /** @returns whether there was such an endpoint */
  async remove(serviceId: string, id: string): Promise<boolean> {
    const statement = `DELETE FROM ${this.table} WHERE service_id = $1 AND id = $2 RETURNING id`;
    return (await rows(this.dataSource, statement, [serviceId, id])).length > 0;
  }

  private read(statement: string, parameters: readonly unknown[]): Promise<CallbackApi[]> {
    return rows<CallbackApi>(this.dataSource, statement, parameters, TIMES);
  }

  private get table(): string {
    return tableIn(this.dataSource, 'service_callback_apis');
  }
}

function isUniqueViolation(error: unknown): boolean {
  return (error as { code?: unknown }).code === UNIQUE_VIOLATION;
}
